"""The names of all crash points, out of the sources: those that are written there, and those that
are made of the names of kinds, phases, marks and states."""
import glob
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "../.."))
FOLDERS = ("src/agent", "src/control", "src/component/posix", "src/journal/lmdb")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def macro(path, name):
    """The texts of an X-macro's rows."""
    found = re.search(rf"#define {name}\(X\)(.*?)\n\n", read(path), re.S)
    rows = found.group(1).split("X(")[1:]
    return [re.search(r'"([^"]+)"', row).group(1) for row in rows]


def stages():
    """kind -> phases of the agent's tasks."""
    text = "\n".join(read(path) for path in sorted(glob.glob("src/agent/*.c", root_dir=ROOT)))
    # static const struct task_stage NAME[] = {...}; phases belong to the array before a kind.
    arrays, kinds = {}, {}
    for source in sorted(glob.glob("src/agent/*.c", root_dir=ROOT)):
        text = read(source)
        for match in re.finditer(r"struct task_stage (\w+)\[\] = \{(.*?)\};", text, re.S):
            arrays[source, match.group(1)] = re.findall(r'\.phase = "([^"]+)"', match.group(2))
        for match in re.finditer(r"struct task_kind \w+ = \{(.*?)\};", text, re.S):
            name = re.search(r'\.name = "([^"]+)"', match.group(1)).group(1)
            array = re.search(r"\.stages = (\w+)", match.group(1)).group(1)
            kinds[name] = arrays[source, array]
    return kinds


def written():
    """Names in calls; a call with a variable is one of those made of names."""
    names = set()
    for folder in FOLDERS:
        for path in glob.glob(f"{folder}/*.c", root_dir=ROOT):
            for call in re.findall(r"crash_point\((.*?)\);", read(path), re.S):
                names |= set(re.findall(r'"([a-z.-]+)"', call))
    return names


def made():
    names = {f"agent.{kind}.{phase}" for kind, phases in stages().items() for phase in phases}
    names |= {f"agent.commit.{mark}" for mark in macro("src/plan/plan.h", "PLAN_MARKS")
              if mark != "back"}  # set before the way back begins, not after a phase
    names |= {f"control.{state}" for state in macro("src/epoch/epoch.h", "EPOCH_STATES")}
    return names


def all_points():
    return sorted(written() | made())


if __name__ == "__main__":
    print("\n".join(all_points()))
