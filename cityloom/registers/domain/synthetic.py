"""A made-up city of any size: the same for the same number of people and seed."""

from __future__ import annotations

from cityloom.kernel.refused import Refused
from cityloom.registers.domain import synthetic_areas, synthetic_buildings, synthetic_ground
from cityloom.registers.domain.draft import Draft, Synthesised

LEAST, MOST = 2_000, 30_000_000


def synthetic_city(people: int, seed: int) -> Draft:
    """Streets, a river, parks, buildings and places for so many people; nothing in it is real.

    Raises: Refused `city.size`.
    """
    if not LEAST <= people <= MOST:
        raise Refused("city.size", "A synthetic city has {limit} people; {value} cannot be made.",
                      value=people, limit=f"{LEAST} to {MOST}")  # fmt: skip
    ground = synthetic_ground.lay_out(people, seed)
    nodes, roads = synthetic_ground.roads_of(ground)
    buildings, places = synthetic_buildings.build(ground, people, seed)
    made = "streets, river, parks, districts, buildings, places, names, people"
    rule = f"generated for {people} people with seed {seed}: {made}"
    return Draft(
        kind="synthetic",
        name="Yunluo 云络 (synthetic)",
        buildings=buildings,
        nodes=nodes,
        roads=roads,
        places=places,
        land=synthetic_ground.land_of(ground),
        areas=synthetic_areas.areas_of(ground, people),
        timezone="Asia/Shanghai",
        people=people,
        synthesised={"the whole city": Synthesised(len(buildings), rule)},
    )
