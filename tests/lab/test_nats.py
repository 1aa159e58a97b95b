import json
from typing import Any

from lab.nats import configuration
from lab.regions import Region, regions_of

REGIONS = regions_of()
TLS = {"cert_file": "west.pem"}
WHO = {"resolver": "MEMORY"}


def written_for(region: Region) -> Any:
    return json.loads(configuration(region, REGIONS, TLS, WHO))


def test_every_region_lists_the_same_gateways() -> None:
    lists = [written_for(region)["gateway"]["gateways"] for region in REGIONS]

    assert lists[0] == lists[1] == lists[2]
    assert lists[0][2] == {"name": "east", "url": "nats://127.0.3.1:7222"}


def test_a_hub_listens_at_its_regions_address_only() -> None:
    written = written_for(REGIONS[1])

    assert (written["host"], written["port"], written["http"]) == ("127.0.2.1", 4222, "127.0.2.1:8222")
    assert (written["gateway"]["host"], written["gateway"]["port"]) == ("127.0.2.1", 7222)


def test_a_replaced_document_fits_in_one_message() -> None:
    assert written_for(REGIONS[0])["max_payload"] == 8 * 1024 * 1024


def test_clients_speak_tls_and_other_hubs_show_a_certificate_as_well() -> None:
    written = written_for(REGIONS[0])
    assert written["tls"] == TLS
    assert written["gateway"]["tls"] == {**TLS, "verify": True}


def test_a_hub_knows_who_may_join() -> None:
    assert written_for(REGIONS[0])["resolver"] == "MEMORY"
