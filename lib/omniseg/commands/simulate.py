"""`omniseg simulate`: a made-up retailer delivers into landing.root; what is true of it is written apart."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from omniseg.errors import ConfigError, Problem
from omniseg.lake.delivery import deliver, deliver_again, write_truth
from omniseg.lake.staging import staging
from omniseg.runtime import Run, parse_date
from omniseg.simulate.world.dirt import with_defects
from omniseg.simulate.world.draws import chance
from omniseg.simulate.world.events import events, registrations
from omniseg.simulate.world.files import file_names, header, records
from omniseg.simulate.world.masters import masters
from omniseg.simulate.world.model import World, dirty
from omniseg.simulate.world.people import identifiers, shoppers
from omniseg.simulate.world.places import home, kilometres, postal_code
from omniseg.simulate.world.systems import SYSTEMS, renamed
from omniseg.simulate.world.visits import visits

AT_ONCE = 4  # systems of which files are written at once: planning and renaming leave processors idle
FILES_TWICE = 0.03  # share of the files that come again, where records have defects at all
FILES_HELD = 0.03  # share of the files that come 1 to --late-days days after their time, behind later ones
# Option -> (smallest, largest) value that makes sense.
BOUNDS: dict[str, tuple[float, float]] = {
    "customers": (1, 1_000_000_000),
    "days": (1, 3_660),
    "visit_events": (1, 200),
    "overlap": (0, 1),
    "shared_account": (0, 0.9),
    "family_devices": (0, 1),
    "bots": (0, 0.5),
    "late_days": (1, 365),
    "dirt": (0, 50),
}


def simulate(run: Run) -> None:
    """Writes files below landing.root, one folder per system, and Parquet tables of the truth below --truth."""
    world = world_of(run)
    landing = run.settings.landing.root.rstrip("/")
    truth = str(run.options.get("truth") or f"{landing}-truth").rstrip("/")
    people = shoppers(run.spark, world)
    seen = visits(people, world)
    made = events(seen, world).unionByName(registrations(people, world), allowMissingColumns=True)
    made = with_defects(made, world)
    with staging(run.spark, f"{landing}/_work") as place:
        with run.step("events"):
            written = place.keep("events", made, by=["system"])
        with ThreadPoolExecutor(AT_ONCE) as pool:
            sent = list(pool.map(lambda name: deliver_system(run, written, world, name), SYSTEMS))
        with run.step("truth"):
            write_truth(defects(written), f"{truth}/defects")
            write_truth(renamed_columns(written, world), f"{truth}/renamed")
    deliver_masters(run, world)
    write_truth(known_people(people, world), f"{truth}/shoppers")
    for one in sent:
        twice = f", {len(one.twice)} of them twice" if one.twice else ""
        run.say(f"{one.system:<15} {one.files:>6} files{twice}")
    again = [(one.system, file) for one in sent for file in one.twice]
    held = [(one.system, file, days) for one in sent for file, days in one.held.items()]
    write_truth(run.spark.createDataFrame(again, "system STRING, file STRING"), f"{truth}/files_twice")
    write_truth(run.spark.createDataFrame(held, "system STRING, file STRING, days INT"), f"{truth}/files_held")
    write_truth(seen.where("bot").select("visit", "day", (~F.col("silent")).alias("says_so")), f"{truth}/bots")
    run.say(f"Landing zone: {landing}")
    run.say(f"The truth (shoppers, defects, renamed, files_twice, files_held, bots): {truth}")
    run.say(
        f"Next: omniseg --conf conf:packs/simulated/settings.yml --set landing.root={landing} run --as-of "
        f"{last_day(world)}"
    )


@dataclass(frozen=True)
class Sent:
    """The files of a system: how many, which came twice, and which so many days after their time."""

    system: str
    files: int
    twice: list[str]
    held: dict[str, int]


def deliver_system(run: Run, written: DataFrame, world: World, name: str) -> Sent:
    """Write the files of one system."""
    system, folder = SYSTEMS[name], folder_of(run, name)
    with run.step(f"files of {name}"):
        head = header(world, system) if system.form == "csv" else ""
        rows = records(written, world, system)
        names = deliver(rows, folder, form=system.form, header=head, mtime=lambda file: arrival(world, name, file))
        again = [file for file in names if world.defects and chance(world.seed, name, file) < FILES_TWICE]
        deliver_again(run.spark, folder, again, form=system.form, mtime=a_day_later)
    return Sent(name, len(names), again, {file: days for file in names if (days := held_days(world, name, file))})


def held_days(world: World, system: str, file: str) -> int:
    """For how many days a file does not arrive: 0 for most, in a clean world for all."""
    if not world.defects or chance(world.seed, system, file, "held") >= FILES_HELD:
        return 0
    return 1 + int(chance(world.seed, system, file, "days") * world.late_days)


def arrival(world: World, system: str, file: str) -> datetime:
    """When a file of a system arrives."""
    return delivered_at(file) + timedelta(days=held_days(world, system, file))


def deliver_masters(run: Run, world: World) -> None:
    """Write the master data, a file each."""
    with run.step("master data"):
        for name, (head, rows) in masters(run.spark, world).items():
            names = deliver(rows, folder_of(run, name), form="csv", header=head, mtime=delivered_at)
            run.say(f"{name:<15} {len(names):>6} files")


def folder_of(run: Run, name: str) -> str:
    """Where a system's files are delivered."""
    return f"{run.settings.landing.root.rstrip('/')}/{name}"


def world_of(run: Run) -> World:
    """The world that the options ask for. Raises ConfigError for values that make no sense."""
    given = run.options
    problems = [
        Problem("command line", f"--{name.replace('_', '-')}", str(given[name]), f"a number from {low:g} to {high:g}")
        for name, (low, high) in BOUNDS.items()
        if not low <= given[name] <= high
    ]
    if problems:
        raise ConfigError(problems)
    return World(
        **{name: given[name] for name in ("seed", "equal", *BOUNDS) if name != "dirt"},
        first_day=parse_date(str(given["first_day"]), "--from"),
        defects=dirty(given["dirt"]) if given["dirt"] else {},
    )


def last_day(world: World) -> date:
    """The last day of the world."""
    return world.first_day + timedelta(days=world.days - 1)


def delivered_at(file: str) -> datetime:
    """When a file of a day, or of an hour, is complete: at its end, and ten minutes for the way."""
    day, _, hour = file.partition("T")
    begin = datetime.combine(date.fromisoformat(day), time(int(hour or 0)), timezone.utc)
    return begin + (timedelta(hours=1) if hour else timedelta(days=1)) + timedelta(minutes=10)


def a_day_later(file: str) -> datetime:
    """When a file that is sent again arrives."""
    return delivered_at(file) + timedelta(days=1)


def defects(written: DataFrame) -> DataFrame:
    """(system, event, defect, copy, file): every record that has a defect."""
    return written.where(F.col("defect").isNotNull()).select(
        "system", "event", "defect", "copy", file_names().alias("file")
    )


def renamed_columns(written: DataFrame, world: World) -> DataFrame:
    """(system, event, copy, file): every record in which a column bears another name than before."""
    rows = written.where((F.col("system") == "push") & renamed(world))
    return rows.select("system", "event", "copy", file_names().alias("file"))


def known_people(people: DataFrame, world: World) -> DataFrame:
    """The shoppers with where they live and the identifiers that they have on the first day."""
    area = home(world, F.col("person"))
    lives = [postal_code(F.col("store"), area).alias("postal_code"), kilometres(area).alias("store_km")]
    known = [column.alias(name) for name, column in identifiers(world, F.lit(0)).items()]
    return people.select("person", "kind", "joined", "left", "store", *lives, "favourite", *known)
