"""Which server of Swift keeps what: here always the same one. swift_rings.py CONF_DIR KIND=PORT...; run by Debian's own Python."""
import sys

from swift.common.ring import RingBuilder

directory, *servers = sys.argv[1:]
for kind, port in (server.split("=") for server in servers):
    builder = RingBuilder(part_power=2, replicas=1, min_part_hours=1)
    builder.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1.0, "device": "one", "meta": "",
                     "ip": "127.0.0.1", "port": int(port), "replication_ip": "127.0.0.1", "replication_port": int(port)})
    builder.rebalance(seed=1)
    builder.get_ring().save(f"{directory}/{kind}.ring.gz")
