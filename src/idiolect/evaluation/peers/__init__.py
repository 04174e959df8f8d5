"""Other memory systems, measured side by side with ours. A peer is one file and one line here."""

from idiolect.evaluation.peers.mem0 import Mem0
from idiolect.evaluation.peers.protocol import Peer

PEERS: dict[str, type[Peer]] = {"mem0": Mem0}
