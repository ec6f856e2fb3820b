"""`${section.key}` inside a value stands for the value of that key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from omniseg.kinds import Unfit, shown
from omniseg.names import nearest

REFERENCE = re.compile(r"\$\{([^{}]*)\}")
MAX_LENGTH = 4096  # of a value; references to references could double at every step


class Broken(Unfit):
    """A reference cannot be followed; `within` are the keys whose own texts are to blame."""

    def __init__(self, found: str, suggestion: str, within: tuple[str, ...]) -> None:
        super().__init__(found, suggestion)
        self.within = within


@dataclass
class Resolver:
    """Replaces references by the texts of other keys, in which references are replaced first."""

    texts: Mapping[str, str]
    done: dict[str, str] = field(default_factory=dict)

    def expand(self, text: str, *, path: tuple[str, ...]) -> str:
        """`text` without references; `path` are the keys being replaced, outermost first, `text` the last one's."""
        result = REFERENCE.sub(lambda match: self.lookup(match[1].strip(), path), text)
        if "${" in REFERENCE.sub("", text):
            raise Broken("'${' without '}'", "", path[-1:])
        if len(result) > MAX_LENGTH:
            raise Broken(f"more than {MAX_LENGTH} characters once references are replaced", "", path[-1:])
        return result

    def lookup(self, name: str, path: tuple[str, ...]) -> str:
        """The text of the key `name`, free of references."""
        if name in path:
            cycle = path[path.index(name) :]
            raise Broken(f"a cycle of references: {' -> '.join((*cycle, name))}", "", cycle)
        if name not in self.texts:
            raise Broken(f"a reference to the unknown key {shown(name)}", nearest(name, self.texts), path[-1:])
        if name not in self.done:
            self.done[name] = self.expand(self.texts[name], path=(*path, name))
        return self.done[name]
