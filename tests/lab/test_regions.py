from lab.regions import regions_of


def test_regions_of_make_up_are_at_the_documented_addresses() -> None:
    assert [(region.name, region.address) for region in regions_of()] == [
        ("west", "127.0.1.1"),
        ("central", "127.0.2.1"),
        ("east", "127.0.3.1"),
    ]


def test_other_regions_take_the_networks_after_the_first_address() -> None:
    found = regions_of("10.77.255.1", names=("north", "south"))

    assert [(region.number, region.address) for region in found] == [(1, "10.77.255.1"), (2, "10.78.0.1")]


def test_a_regions_nodes_carry_its_name() -> None:
    assert regions_of()[1].node("andromeda") == "andromeda-central-1"
