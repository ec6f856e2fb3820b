"""Every command, in the order of the table of contents: name, what it does, options, whether it takes the lock."""

from __future__ import annotations

from omniseg.commands import (
    declared_features,
    demo,
    doctor,
    features,
    ingest,
    init,
    journey,
    maintain,
    nightly,
    quarantine,
    reproduce,
    runs,
    simulate,
    snapshot,
    snapshots,
    sources,
    train,
)
from omniseg.commands.command import Command, argument
from omniseg.simulate.world.model import World

AS_OF = argument(
    "--as-of", required=True, metavar="DATE", dest="as_of", help="last business day that counts, YYYY-MM-DD"
)
SNAPSHOT = argument("snapshot", nargs="?", metavar="ID", help="default: the published one")
START, NIGHT, LOOK, CARE = "Begin", "The night's work", "Look", "Keep it healthy"
GROUPS = (START, NIGHT, LOOK, CARE)

LISTED = (
    Command(
        "init",
        START,
        "make a project folder with settings and an example source",
        init.init,
        (argument("dir", metavar="DIR", help="folder to make"),),
    ),
    Command(
        "sources check",
        START,
        "dry run of one declaration on its files; writes nothing",
        sources.check,
        (
            argument("file", metavar="FILE", help="the declaration"),
            argument("--sample", type=int, default=1000, metavar="N", help="records to read (default 1000)"),
        ),
    ),
    Command(
        "journey",
        START,
        "deliver the Complete Journey data into landing.root",
        journey.journey,
        (argument("--until", metavar="DATE", help="last business day to deliver"),),
    ),
    Command(
        "simulate",
        START,
        "deliver a made-up omnichannel retailer into landing.root, and the truth beside it",
        simulate.simulate,
        (
            argument(
                "--customers",
                type=int,
                default=World.customers,
                metavar="N",
                help=f"shoppers (default {World.customers})",
            ),
            argument("--days", type=int, default=World.days, metavar="N", help=f"days (default {World.days})"),
            argument(
                "--from",
                dest="first_day",
                default=World.first_day.isoformat(),
                metavar="DATE",
                help=f"first day (default {World.first_day})",
            ),
            argument(
                "--seed",
                type=int,
                default=World.seed,
                metavar="N",
                help=f"another seed is another world (default {World.seed})",
            ),
            argument(
                "--visit-events",
                type=float,
                default=World.visit_events,
                metavar="X",
                help=f"mean events of an online visit (default {World.visit_events:g})",
            ),
            argument(
                "--overlap",
                type=float,
                default=World.overlap,
                metavar="X",
                help="0 = types of shoppers apart, 1 = all alike",
            ),
            argument("--equal", action="store_true", help="types of shoppers have equal shares"),
            argument(
                "--shared-account",
                type=float,
                default=World.shared_account,
                metavar="X",
                help="share of visits on a card of the shop",
            ),
            argument(
                "--family-devices",
                type=float,
                default=World.family_devices,
                metavar="X",
                help="share of shoppers with a shared device",
            ),
            argument(
                "--bots", type=float, default=World.bots, metavar="X", help="share of online visits that are machines"
            ),
            argument(
                "--late-days",
                type=int,
                default=World.late_days,
                metavar="N",
                help="longest delay of records and files",
            ),
            argument("--dirt", type=float, default=1.0, metavar="X", help="times the usual defects; 0 = none"),
            argument("--truth", metavar="DIR", help="tables of the truth (default: landing.root with -truth)"),
        ),
    ),
    Command(
        "demo",
        START,
        "real retail data from landing zone to three published snapshots",
        demo.demo,
        (argument("--dir", default="demo", metavar="DIR", help="folder for everything (default: demo)"),),
    ),
    Command(
        "run",
        NIGHT,
        "all of the following for one date, or for a range",
        nightly.nightly,
        (
            argument("--as-of", metavar="DATE", dest="as_of", help="last business day that counts, YYYY-MM-DD"),
            argument("--from", metavar="DATE", dest="first", help="first date of a range"),
            argument("--to", metavar="DATE", dest="last", help="last date of a range"),
            argument(
                "--every", choices=("day", "week", "month"), default="day", help="dates of the range (default: day)"
            ),
        ),
        locks=True,
    ),
    Command("ingest", NIGHT, "take every delivered file not yet taken", ingest.ingest, (AS_OF,), locks=True),
    Command(
        "features",
        NIGHT,
        "partial aggregates of new batches, feature vectors as of a date",
        features.build,
        (AS_OF,),
        locks=True,
    ),
    Command("train", NIGHT, "fit the clusters and keep the model in MLflow", train.train, (AS_OF,), locks=True),
    Command("snapshot", NIGHT, "assign, audit, publish by moving one pointer", snapshot.snapshot, (AS_OF,), locks=True),
    Command("features list", LOOK, "declared features", declared_features.show_list),
    Command(
        "features explain",
        LOOK,
        "one feature: what it means, of which partials it is made, and how",
        declared_features.explain,
        (
            argument("name", metavar="NAME", help="a feature or one of its columns"),
            argument("--plan", action="store_true", help="show Spark's plans of it as well"),
        ),
    ),
    Command("snapshots list", LOOK, "published snapshots", snapshots.show_list),
    Command(
        "snapshots show",
        LOOK,
        "segments of a snapshot: sizes, what distinguishes them, movement",
        snapshots.show,
        (SNAPSHOT,),
    ),
    Command("quarantine list", LOOK, "bad records by source and rule", quarantine.show_list),
    Command(
        "quarantine show",
        LOOK,
        "bad records of one source or rule",
        quarantine.show,
        (
            argument("--source", metavar="NAME"),
            argument("--rule", metavar="NAME"),
            argument("--limit", type=int, default=20, metavar="N", help="records to show (default 20)"),
        ),
    ),
    Command(
        "quarantine replay",
        CARE,
        "judge open records anew after mending a declaration",
        quarantine.replay,
        (argument("--source", metavar="NAME", required=True),),
        locks=True,
    ),
    Command("runs list", LOOK, "runs with their counts and exit codes", runs.show_list),
    Command("runs show", LOOK, "one run", runs.show, (argument("run", metavar="RUN_ID"),)),
    Command(
        "features verify",
        CARE,
        "build the vectors of a date from all days anew and compare",
        declared_features.verify,
        (AS_OF,),
    ),
    Command(
        "snapshots reproduce",
        CARE,
        "make a snapshot again from what was known then; say what differs and why",
        reproduce.reproduce,
        (SNAPSHOT,),
        locks=True,
    ),
    Command(
        "maintain",
        CARE,
        "compact and vacuum tables; forget expired rejects, remove what killed runs left",
        maintain.maintain,
        locks=True,
    ),
    Command("doctor", CARE, "check Java, Spark, Delta, MLflow, disk and settings", doctor.doctor),
)

COMMANDS = {command.name: command for command in LISTED}
