"""A cluster whose nodes do not share a disk is refused."""

import re
from types import SimpleNamespace

import pytest

from vlmcore.experiments import cluster


class Nodes:
    """As much of Ray as places a task on a node, for nodes that may have own disks."""

    def __init__(self, disks):
        self.disks = disks
        strategies = SimpleNamespace(NodeAffinitySchedulingStrategy=self.affinity)
        self.util = SimpleNamespace(scheduling_strategies=strategies)

    def affinity(self, node, soft):
        assert not soft, "another node may not answer in its place"
        return node

    def nodes(self):
        return [
            {"NodeID": name, "NodeManagerHostname": name, "Alive": disk is not None}
            for name, disk in self.disks.items()
        ]

    def remote(self, num_cpus):
        assert num_cpus == 0, "a node whose cores are in use answers, too"

        def task(function, node):
            return lambda path: function(self.disks[node] / path.name)

        return lambda function: SimpleNamespace(
            options=lambda scheduling_strategy: SimpleNamespace(
                remote=task(function, scheduling_strategy)
            )
        )

    def get(self, answer):
        return answer


def test_a_node_that_does_not_see_the_folder_is_named(tmp_path):
    """What is written on the shared disk is looked for; a dead node is not asked."""
    shared, own = tmp_path / "shared", tmp_path / "own"
    own.mkdir()
    cluster._check_disk(Nodes({"head": shared, "near": shared, "dead": None}), shared)
    sentence = (
        f"the node far does not see {shared}; give --results and --work on a disk "
        "that all nodes share"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        cluster._check_disk(Nodes({"head": shared, "far": own}), shared)
    assert not [*shared.iterdir()], "nothing is left behind"
