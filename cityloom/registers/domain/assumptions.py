"""What is assumed where a source is silent; docs/explanation/assumptions.md gives the reasons and the sources."""

from __future__ import annotations

USABLE_SHARE = 0.8  # of the gross floor area
DWELLING_M2 = 85.0
STOREY_M = 3.0
SHELTER_M2_A_PLACE = 2.0
PARK_USABLE_SHARE = 0.5  # of the ground: paths, lawns and courts, without ponds and beds
HALL_SHARE, HALL_M2, HALL_LEVELS = 0.04, 600.0, 6
SMALL_M2 = 25.0  # a footprint below this is a shed, not a home
MOST_LEVELS = 120

LEVELS_BY_USE = {
    "residential": 5, "house": 2, "dormitory": 5, "retail": 2, "office": 6, "hotel": 6, "industrial": 1,
    "warehouse": 1, "school": 3, "kindergarten": 2, "university": 4, "hospital": 6, "clinic": 2, "nursing_home": 3,
    "civic": 3, "sports": 1, "worship": 1, "transport": 1, "parking": 3, "shed": 1, "other": 2, "": 2,
}  # fmt: skip
HOMES = frozenset({"residential", "house", ""})
"""Uses that dwellings are made up for."""
DAY_M2_A_PERSON = {
    "dormitory": 60.0, "retail": 30.0, "office": 15.0, "hotel": 40.0, "industrial": 60.0, "warehouse": 200.0,
    "school": 8.0, "kindergarten": 8.0, "university": 12.0, "hospital": 20.0, "clinic": 15.0, "nursing_home": 30.0,
    "civic": 20.0, "sports": 40.0, "worship": 100.0, "transport": 50.0, "parking": 1000.0, "other": 60.0,
}  # fmt: skip
"""Gross floor area for each person inside on a working day, by use; homes are counted by their residents instead."""
HOME_BY_DAY = 0.4  # of the residents

OCCUPIED_SHARE = {"synthetic": 0.644, "osm": 0.9, "folder": 0.9}
"""Dwellings that somebody lives in, by kind of city: a fast-growing city has many empty ones."""
HOUSEHOLD_SIZES = (0.345, 0.31, 0.195, 0.09, 0.04, 0.02)
"""Shares of households of 1, 2, ... 6 people; 2.23 people on average."""
MEAN_HOUSEHOLD = sum(size * share for size, share in enumerate(HOUSEHOLD_SIZES, 1))

AGE_EDGES = (0, 18, 60, 80, 101)
"""Age bands 0-17, 18-59, 60-79 and 80 or older; nobody is made up to be older than 100."""
AGES_BY_ROLE = ((0.0, 0.83, 0.145, 0.025), (0.02, 0.83, 0.135, 0.015), (0.70, 0.24, 0.05, 0.01))
"""Shares of the bands for the first, the second and each further member of a household."""

NEEDS = ("mobility", "bedridden", "hearing", "sight", "cognitive", "device", "language")
NEED_RATE = (0.008, 0.022, 0.15, 0.5)
"""Share of each age band that needs help to leave a building; 4 to 5 % of all."""
NEED_KINDS = (
    (0.40, 0.05, 0.15, 0.15, 0.20, 0.05),
    (0.40, 0.06, 0.18, 0.16, 0.14, 0.06),
    (0.44, 0.08, 0.18, 0.14, 0.10, 0.06),
    (0.42, 0.16, 0.14, 0.10, 0.14, 0.04),
)
"""For each band, how the first six needs share those who need help."""
SECOND_NEED_RATE = 0.2
LANGUAGE_RATE = 0.01  # do not read the city's main language; no help to walk

PRESSURE_SPACING_M = 350.0
SETTLEMENT_SPACING_M = 150.0
SPEED_SPACING_M = 220.0
CAMERA_SPACING_M = 300.0
RAIN_CELL_KM2 = 5.0
WATCHED_ROADS = ("motorway", "trunk", "primary", "secondary", "tertiary")
"""Roads that sensors are put along."""
MAIN_DIAMETER_MM = {
    "water": {"primary": 600, "secondary": 400, "tertiary": 300, "": 150},
    "sewer": {"primary": 1200, "secondary": 800, "tertiary": 600, "": 300},
    "gas": {"primary": 315, "secondary": 200, "tertiary": 160, "": 110},
}
VALVED = ("water", "gas")
VALVE_FROM_JUNCTION_M = 8.0
