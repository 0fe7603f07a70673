"""The bash scripts that fix the rules of a scan, from the benchmark in its results.

They are in the order of the results, which is the order in which oscap itself would run them. A
script is taken as it is: reports change empty lines and mask secrets.

Diagnostics: ScapError where the results can't be read.
"""

from collections.abc import Mapping, Sequence

from stages.scanners.fix_scripts import RuleScript
from stages.scanners.openscap.results_file import Opener, read_results
from stages.scanners.openscap.scan_files import Options, newest_scan
from stages.scap.xccdf_text import verbatim
from stages.scap.xml_records import Element, ScapError, local

_PREFIX = "urn:xccdf:fix:script:"
_BASH = ("sh", "bash")


def read_scripts(results: Opener | None, arf: Opener | None, options: Options) -> list[RuleScript]:
    """One for each rule of the newest TestResult. Raises ScapError."""
    opener = results or arf
    if opener is None:
        raise ScapError("neither results nor ARF: the scanner left nothing to read")
    scan = newest_scan(read_results(opener, options.limits, None), options)
    values = scan.text_options.values
    rules = dict.fromkeys(outcome.idref for outcome in scan.test_result.outcomes)
    return [_rule_script(rule, scan.benchmark.rule_element(rule), values) for rule in rules]


def _rule_script(rule: str, element: Element | None, values: Mapping[str, str]) -> RuleScript:
    fixes: list[Element] = []
    if element is not None:
        fixes = list(element.iterchildren("{*}fix"))
    if not fixes:
        return RuleScript(rule_ref=rule, problem="the content has no fix for it")
    fix = _bash_fix(fixes)
    if fix is None:
        systems = ", ".join(sorted(set(map(_system, fixes))))
        return RuleScript(rule_ref=rule, problem=f"no bash script, its fixes are for {systems}")
    missing = _missing_values(fix, values)
    if missing:
        return RuleScript(
            rule_ref=rule, problem=f"its script needs a value that is not set: {missing}"
        )
    script = verbatim(fix, values).strip("\n")
    if not script.strip():
        return RuleScript(rule_ref=rule, problem="its script is empty")
    is_reboot = fix.get("reboot") in ("true", "1")
    return RuleScript(rule_ref=rule, script=f"{script}\n", reboot=is_reboot)


def _bash_fix(fixes: Sequence[Element]) -> Element | None:
    """The first script; one for a certain platform comes last: it may not be for this host."""
    scripts = [fix for fix in fixes if _system(fix) in _BASH]
    scripts.sort(key=lambda fix: fix.get("platform") is not None)
    return next(iter(scripts), None)


def _system(fix: Element) -> str:
    return fix.get("system", "unnamed").removeprefix(_PREFIX)


def _missing_values(fix: Element, values: Mapping[str, str]) -> str | None:
    """The first value of the script that can't be filled in."""
    for child in fix.iterdescendants("{*}sub", "{*}instance"):
        name = child.get("idref") or child.get("context") or local(child)
        if local(child) == "instance" or name not in values:
            return name
    return None
