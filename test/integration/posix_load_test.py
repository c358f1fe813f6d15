"""Many services with one T on one device: what is written down for the others costs none of them
its moment. COEVAL_LOAD_SERVICES: how many (tried with 300); the figures are printed."""
import datetime
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import pytest

import harness  # noqa: E402
from harness import policy, wait_for, write  # noqa: E402

SERVICES = int(os.environ.get("COEVAL_LOAD_SERVICES", "40"))
LEAD_S = 15  # the default of policies



def at(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Ends:
    """Counts the epochs that have ended, by their events: asking for all epochs would be a load of
    its own."""

    def __init__(self, daemon):
        self.daemon, self.after, self.count = daemon, 0, 0

    def all_are_told(self):
        for event in self.daemon.events(self.after):
            self.after = event["sequence"]
            self.count += event["name"] in ("epoch.sealed", "epoch.abandoned", "epoch.stuck")
        return self.count >= SERVICES


def apply_all(daemon, names, t0):
    """How long that took."""
    begun = time.monotonic()
    for name in names:
        daemon.apply(policy(name, [f"posix:/{name}"], t0=t0, consistency="fuzzy",
                            lead_time=f"PT{LEAD_S}S"))
    return time.monotonic() - begun


def seconds_of(stamp):
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def last_ready(daemon):
    """When the last moment was armed, by the device's log."""
    with open(daemon.log_path, encoding="utf-8") as file:
        return max((seconds_of(line.split()[0]) for line in file
                    if " epoch.state " in line and line.rstrip().endswith("-> armed")), default=0)


@pytest.mark.parametrize("agents", ("embedded", "remote"))
def test_each_of_many_services_has_its_moment(agents):
    names = [f"s{i:03}" for i in range(SERVICES)]
    with harness.site(barrier=False) as place:
        for name in names:
            write(place.source(name, "1"), name)
        level = {"log": {"level": "info"}}
        daemon = (place.embedded(**level) if agents == "embedded" else place.three(**level)[0])
        daemon.start()
        # once for a T that is far away: how long that takes says which T is near enough
        taken = apply_all(daemon, names, "2100-01-01T00:00:00Z")
        t0 = int(time.time() + 2 * taken + LEAD_S + 3)
        apply_all(daemon, names, at(t0))
        assert time.time() < t0 - LEAD_S, "the machine does not apply them in twice that time"
        wait_for(Ends(daemon).all_are_told, "the end of all epochs", 60 + SERVICES * 2)
        ended = time.time()
        epochs = {epoch["service"]: epoch
                  for epoch in daemon.get(f"/v1/epochs?limit={SERVICES * 4}")["epochs"]}
        assert len(epochs) == SERVICES
        late = {name: epoch for name, epoch in epochs.items()
                if epoch["state"] != "sealed" or epoch["attempt"] != 1}
        passed = [event for event in daemon.events() if event["name"].startswith("moment.")]
        print(f"{SERVICES} services, {agents} agents: applied in {taken:.1f} s, all armed "
              f"{t0 - last_ready(daemon):.1f} s before T, all ended "
              f"{ended - t0:.1f} s after T, {len(late)} not sealed at their first moment, "
              f"{len(passed)} events of moments")
        assert not late and not passed, (list(late.items())[:3], passed[:3])
