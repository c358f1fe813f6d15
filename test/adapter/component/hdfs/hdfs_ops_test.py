"""The contract of hdfs_ops.h, asked of WebHDFS at a model NameNode."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../../fake"))

from model_namenode import ModelNameNode  # noqa: E402


def test_the_contract():
    with ModelNameNode() as model:
        done = subprocess.run([os.environ["OPS_CONTRACT"], model.url], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout
