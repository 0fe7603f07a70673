"""Writing a tailoring file: XCCDF 1.2, one profile. Pure."""

from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from stages.scanners.new_tailoring import NewTailoring
from stages.scap.tailoring import XCCDF_1_2

_ID = "xccdf_io.github.compliance-agent_tailoring_default"


def tailoring_text(new: NewTailoring, benchmark: str, at: datetime) -> str:
    """The file; `benchmark` is the id of the benchmark that has the extended profile."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<Tailoring xmlns={quoteattr(XCCDF_1_2)} id={quoteattr(_ID)}>",
        f"  <benchmark href={quoteattr(new.content)} id={quoteattr(benchmark)}/>",
        f'  <version time="{at:%Y-%m-%dT%H:%M:%S}">1</version>',
        f"  <Profile id={quoteattr(new.profile)} extends={quoteattr(new.extends)}>",
        f'    <title override="true">{escape(new.title)}</title>',
    ]
    lines += [_select(rule, "false") for rule in new.unselected]
    lines += [_select(rule, "true") for rule in new.selected]
    for name, text in new.values:
        lines.append(f"    <set-value idref={quoteattr(name)}>{escape(text)}</set-value>")
    return "\n".join([*lines, "  </Profile>", "</Tailoring>", ""])


def _select(rule: str, selected: str) -> str:
    return f'    <select idref={quoteattr(rule)} selected="{selected}"/>'
