"""The load of 10,000 hosts on a server that returns after an outage of an hour.

    python benchmarks/outage.py [--hosts 10000] [--outage 3600] [--seed 1] [--plot outage.svg]

The time is simulated, the back-off code is the real one. All hosts scanned on the same schedule,
within five minutes, while the server was away; each has one scan to deliver. Limits, from the
moment at which the server answers again: 40 requests in any second, and 99 % of the hosts done
within 15 minutes. The plot shows requests per second over the whole time.
"""

import argparse
import heapq
import random
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from stages.ship.backoff import Backoff

PEAK_PER_S, THROUGH, WITHIN_S = 40, 0.99, 900.0
SCANS_SPREAD_S = 300.0


@dataclass(frozen=True)
class Run:
    """The result of one simulated outage."""

    requests: Counter[int]
    """Requests in every second, from the start of the outage."""
    delivered: list[float]
    """When each host was done, in seconds after the return of the server."""

    def peak(self, since: int) -> int:
        return max(count for second, count in self.requests.items() if second >= since)

    def through_within(self, share: float) -> float:
        """Seconds after which that share of the hosts was done."""
        return sorted(self.delivered)[int(len(self.delivered) * share) - 1]


def simulate(hosts: int, outage_s: float, seed: int) -> Run:
    # tenacity uses the generator of the module.
    random.seed(seed)
    tries = [(random.uniform(0, SCANS_SPREAD_S), host) for host in range(hosts)]
    heapq.heapify(tries)
    backoffs = [Backoff() for _ in range(hosts)]
    run = Run(Counter(), [])
    while tries:
        now, host = heapq.heappop(tries)
        run.requests[int(now)] += 1
        if now >= outage_s:
            run.delivered.append(now - outage_s)
        else:
            heapq.heappush(tries, (now + backoffs[host].failed(now), host))
    return run


def plot(run: Run, outage_s: float) -> str:
    """Requests per second as an SVG."""
    width, height, left, top = 960, 320, 50, 30
    seconds = max(run.requests)
    highest = max(*run.requests.values(), PEAK_PER_S)

    def x(second: float) -> float:
        return left + second / seconds * width

    def y(count: float) -> float:
        return top + height - count / highest * height

    points = " ".join(f"{x(s):.1f},{y(run.requests[s]):.1f}" for s in range(seconds + 1))
    ticks = "".join(
        f'<text x="{x(s):.0f}" y="{top + height + 18}" text-anchor="middle">{s // 60}</text>'
        for s in range(0, seconds, 600)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" '
        f'width="{width + left + 20}" height="{height + top + 50}" '
        'font-family="sans-serif" font-size="12">'
        '<rect width="100%" height="100%" fill="white"/>'
        f'<rect x="{x(0)}" y="{top}" width="{x(outage_s) - x(0):.1f}" height="{height}" '
        'fill="#f3e3e3"/>'
        f'<polyline points="{points}" fill="none" stroke="#24527a" stroke-width="0.8"/>'
        f'<line x1="{left}" x2="{left + width}" y1="{y(PEAK_PER_S):.1f}" y2="{y(PEAK_PER_S):.1f}" '
        'stroke="#b03030" stroke-dasharray="5 4"/>'
        f'<text x="{left - 6}" y="{y(PEAK_PER_S) + 4:.1f}" text-anchor="end">{PEAK_PER_S}</text>'
        f'<text x="{left - 6}" y="{top + 8}" text-anchor="end">{highest}</text>'
        f'<text x="{left - 6}" y="{top + height}" text-anchor="end">0</text>{ticks}'
        f'<text x="{left + width / 2}" y="{top + height + 38}" text-anchor="middle">minutes</text>'
        f'<text x="{left}" y="18">requests per second of {len(run.delivered)} hosts; '
        f"the server is away in the shaded time</text></svg>\n"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument(
        "--outage", type=float, default=3600.0, help="seconds (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write an SVG")
    args = parser.parse_args()
    run = simulate(args.hosts, args.outage, args.seed)
    peak, through = run.peak(int(args.outage)), run.through_within(THROUGH)
    print(
        f"{args.hosts} hosts after {args.outage:.0f} s without a server, "
        f"{run.requests.total()} requests in all"
    )
    print(f"  peak after the return {peak} per second (limit {PEAK_PER_S})")
    print(f"  {THROUGH:.0%} done after {through / 60:.1f} min (limit {WITHIN_S / 60:.0f} min)")
    if args.plot:
        args.plot.write_text(plot(run, args.outage))
    return 0 if peak <= PEAK_PER_S and through <= WITHIN_S else 1


if __name__ == "__main__":
    sys.exit(main())
