import json

from lab.nats import configuration
from lab.regions import regions_of

REGIONS = regions_of()


def test_every_region_lists_the_same_gateways() -> None:
    lists = [json.loads(configuration(region, REGIONS))["gateway"]["gateways"] for region in REGIONS]

    assert lists[0] == lists[1] == lists[2]
    assert lists[0][2] == {"name": "east", "url": "nats://127.0.3.1:7222"}


def test_a_hub_listens_at_its_regions_address_only() -> None:
    written = json.loads(configuration(REGIONS[1], REGIONS))

    assert (written["host"], written["port"], written["http"]) == ("127.0.2.1", 4222, "127.0.2.1:8222")
    assert (written["gateway"]["host"], written["gateway"]["port"]) == ("127.0.2.1", 7222)


def test_a_replaced_document_fits_in_one_message() -> None:
    assert json.loads(configuration(REGIONS[0], REGIONS))["max_payload"] == 8 * 1024 * 1024
