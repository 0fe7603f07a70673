"""The bash scripts that fix the rules of a scan, from the benchmark in its results.

They are in the order of the results, which is the order in which oscap itself would run them. A
script is taken as it is: reports change empty lines and mask secrets.

Diagnostics: ScapError where the results can't be read.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from stages.scanners.fix_scripts import RuleScript
from stages.scanners.openscap.results_file import Opener, read_results
from stages.scanners.openscap.scan_files import NOTHING_TO_FIX, Options, newest_scan
from stages.scap.xccdf_text import verbatim
from stages.scap.xml_elements import Element, local
from stages.scap.xml_errors import ScapError

_PREFIX = "urn:xccdf:fix:script:"
_BASH = ("sh", "bash")
_OPTIONAL_VARIABLES = "OSCAP_"


def read_scripts(results: Opener | None, arf: Opener | None, options: Options) -> list[RuleScript]:
    """One for each rule of the newest TestResult. Raises ScapError."""
    opener = results or arf
    if opener is None:
        raise ScapError("neither results nor ARF: the scanner left nothing to read")
    scan = newest_scan(read_results(opener, options.limits, None), options)
    values = scan.text_options.values
    failed: defaultdict[str, bool] = defaultdict(bool)
    for outcome in scan.test_result.outcomes:
        # One rule may have been checked for several instances.
        failed[outcome.idref] |= outcome.result not in NOTHING_TO_FIX
    return [
        _rule_script(rule, has_failed, scan.benchmark.rule_element(rule), values)
        for rule, has_failed in failed.items()
    ]


def _rule_script(
    rule: str, has_failed: bool, element: Element | None, values: Mapping[str, str]
) -> RuleScript:
    script, problem, reboot = _script(element, values)
    return RuleScript(
        rule_ref=rule,
        script=script,
        problem=problem,
        has_failed=has_failed,
        reboot=reboot,
        optional_variables=_OPTIONAL_VARIABLES,
    )


def _script(
    element: Element | None, values: Mapping[str, str]
) -> tuple[str | None, str | None, bool]:
    """The script, else why there is none; and whether it takes effect after a reboot."""
    fixes: list[Element] = []
    if element is not None:
        fixes = list(element.iterchildren("{*}fix"))
    if not fixes:
        return None, "the content has no fix for it", False
    fix = _bash_fix(fixes)
    if fix is None:
        systems = ", ".join(sorted(set(map(_system, fixes))))
        return None, f"no bash script, its fixes are for {systems}", False
    missing = _missing_values(fix, values)
    if missing:
        return None, f"its script needs a value that is not set: {missing}", False
    script = verbatim(fix, values).strip("\n")
    if not script.strip():
        return None, "its script is empty", False
    return f"{script}\n", None, fix.get("reboot") in ("true", "1")


def _bash_fix(fixes: Sequence[Element]) -> Element | None:
    """The first script; one for a certain platform comes last: it may not be for this host."""
    scripts = [fix for fix in fixes if _system(fix) in _BASH]
    return min(scripts, key=lambda fix: fix.get("platform") is not None, default=None)


def _system(fix: Element) -> str:
    return fix.get("system", "unnamed").removeprefix(_PREFIX)


def _missing_values(fix: Element, values: Mapping[str, str]) -> str | None:
    """The first value of the script that can't be filled in."""
    for child in fix.iterdescendants("{*}sub", "{*}instance"):
        name = child.get("idref", child.get("context", local(child)))
        if name not in values:
            return name
    return None
