"""Drives the program store_tool (store_tool.c): the hdfs component behind a pipe."""
import json
import os
import subprocess


class Refused(Exception):
    """The component said no; code is its error code by name."""

    def __init__(self, answer):
        super().__init__("%s: %s" % (answer["code"], answer["text"]))
        self.code, self.text, self.answer = answer["code"], answer["text"], answer


class StoreTool:
    """store.list(path="/a") and so on; raises Refused. Use it as a context."""

    def __init__(self, namenodes, user="coeval", area="/coeval/test", **more):
        options = json.dumps({"namenodes": namenodes, "user": user, **more})
        self.process = subprocess.Popen([os.environ["STORE_TOOL"], options, area], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.stdin.close()
        self.process.stdout.close()
        code = self.process.wait(timeout=60)
        assert code == 0, "store_tool ended with %d" % code

    def __getattr__(self, command):
        def run(**order):
            self.process.stdin.write(json.dumps({"do": command, **order}) + "\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
            if not answer["ok"]:
                raise Refused(answer)
            return answer
        return run

    def code(self, command, **order):
        """The error code by name; "OK" when there is none."""
        try:
            getattr(self, command)(**order)
            return "OK"
        except Refused as refused:
            return refused.code
