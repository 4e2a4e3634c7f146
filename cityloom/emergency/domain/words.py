"""The words of an order, an alert and the notices to departments, in both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cityloom.emergency.domain.places import CHINESE, ENGLISH, LANGUAGES, area_in, listed

DEPARTMENTS = ("fire", "police", "traffic", "water", "gas")
EVENTS = {
    "ground-collapse": {ENGLISH: "Ground collapse", CHINESE: "地面塌陷"},
    "gas-leak": {ENGLISH: "Gas leak", CHINESE: "燃气泄漏"},
    "fire": {ENGLISH: "Fire", CHINESE: "火灾"},
}
_OTHER_EVENT = {ENGLISH: "Danger", CHINESE: "险情"}
_MANY = 12
_WHERE = {ENGLISH: ("Go to: {}.", "They go to: {}."), CHINESE: ("请前往：{}。", "安置点：{}。")}
_NOWHERE = {
    ENGLISH: ("Go where police and workers direct you.", "They have no shelter yet: direct them to safe ground."),
    CHINESE: ("请听从现场民警和工作人员指引。", "目前没有安置点，请引导至安全地带。"),
}


@dataclass(frozen=True)
class Matter:
    """What the words are about: names are already fit for their language, lists are nearest or most important first."""

    purpose: str
    category: str
    place: Mapping[str, str]
    lon: float
    lat: float
    hazard_radius_m: int
    buildings: int
    households: int
    needing_help: int
    in_hazard: int
    exercise: bool
    synthetic_city: bool
    shelters: Mapping[str, Sequence[str]]
    streets: Mapping[str, Sequence[str]]
    valves: Mapping[str, Sequence[str]]
    real_place: bool = False


def alert_words(matter: Matter) -> dict[str, dict[str, str]]:
    """Event, headline, description, instruction and area for each language."""
    return {language: _alert(matter, language) for language in LANGUAGES}


def order_words(matter: Matter) -> dict[str, str]:
    """The evacuation order, or its end, as one text for each language."""
    words = alert_words(matter)
    return {
        language: "\n\n".join([block["headline"], block["description"], block["instruction"]])
        for language, block in words.items()
    }


def notices(matter: Matter) -> dict[str, dict[str, list[str]]]:
    """What each department is asked, as sentences for each language."""
    return {
        department: {language: _asks(department, matter, language) for language in LANGUAGES}
        for department in DEPARTMENTS
    }


def _alert(matter: Matter, language: str) -> dict[str, str]:
    say = _ALERTS[matter.purpose][language]
    facts = _facts(matter, language)
    return {
        "event": facts["event"],
        "headline": _mark(matter, language) + say["headline"].format(**facts),
        "description": say["description"].format(**facts) + _note(matter, language),
        "instruction": say["instruction"].format(**facts),
        "area": facts["place"],
    }


def _asks(department: str, matter: Matter, language: str) -> list[str]:
    facts = _facts(matter, language)
    table = _ASKS if matter.purpose == "evacuation" else _STAND_DOWN
    asks = [sentence.format(**facts) for sentence in table[department][language]]
    return [_mark(matter, language) + asks[0], *asks[1:]]


def _facts(matter: Matter, language: str) -> dict[str, str]:
    none = "none known" if language == ENGLISH else "无登记"
    event = EVENTS.get(matter.category, _OTHER_EVENT)[language]
    shelters = _some(matter.shelters[language], language)
    known, unknown = _WHERE[language], _NOWHERE[language]
    return {
        "event": event, "event_lower": event.lower(), "place": area_in(matter.place, language, matter.lon, matter.lat),
        "lat": f"{matter.lat:.5f}", "lon": f"{matter.lon:.5f}", "radius": str(matter.hazard_radius_m),
        "buildings": str(matter.buildings), "households": str(matter.households),
        "needing_help": str(matter.needing_help), "in_hazard": str(matter.in_hazard),
        "where": known[0].format(shelters) if shelters else unknown[0],
        "where_to": known[1].format(shelters) if shelters else unknown[1],
        "streets": _some(matter.streets[language], language, _MANY) or none,
        "water": _some(matter.valves.get("water", ()), language, _MANY) or none,
        "gas": _some(matter.valves.get("gas", ()), language, _MANY) or none,
    }  # fmt: skip


def _some(items: Sequence[str], language: str, most: int = 6) -> str:
    shown = listed(list(items[:most]), language)
    rest = len(items) - most
    if rest <= 0:
        return shown
    return f"{shown} and {rest} more" if language == ENGLISH else f"{shown}等{len(items)}处"


def _mark(matter: Matter, language: str) -> str:
    if not matter.exercise:
        return ""
    return "EXERCISE: " if language == ENGLISH else "【演练】"


def _note(matter: Matter, language: str) -> str:
    exercise, city, people = {
        ENGLISH: (" This is an exercise; nobody needs to act.", " The city and its people are synthetic.",
                  " The people counted here are synthetic."),
        CHINESE: ("此为演练，公众无需采取行动。", "本城市及其居民均为合成数据。", "此处统计的居民均为合成数据。"),
    }[language]  # fmt: skip
    return exercise * matter.exercise + (people if matter.real_place else city) * matter.synthetic_city


_ALERTS = {
    "evacuation": {
        ENGLISH: {
            "headline": "{event} at {place}: leave now",
            "description": "{event} at {place}, with danger of more within {radius} metres. "
                           "{buildings} buildings around it must be left at once.",
            "instruction": "Leave on foot now and walk away from {place}. Do not use lifts or drive. Take medicines "
                           "and identity papers, nothing heavy. {where} If you cannot leave alone, stay "
                           "inside, unlock the door and wait: a worker of the city comes to you. Do not return before "
                           "the all clear.",
        },
        CHINESE: {
            "headline": "{place}发生{event}，请立即撤离",
            "description": "{place}发生{event}，周边{radius}米内仍有危险。周边{buildings}栋建筑内的人员须立即撤离。",
            "instruction": "请立即步行撤离，远离{place}，不要乘电梯，不要驾车。随身携带药品和身份证件，不带重物。"
                           "{where}无法自行撤离者请留在室内，打开门锁等候，工作人员会上门协助。"
                           "未接到解除通知前请勿返回。",
        },
    },
    "all-clear": {
        ENGLISH: {
            "headline": "All clear at {place}",
            "description": "The danger at {place} is over ({event_lower}). The evacuation of {buildings} buildings has "
                           "ended.",
            "instruction": "You may return home. Keep away from barriers around the site, and report smells of gas, "
                           "new cracks or sunken ground at once.",
        },
        CHINESE: {
            "headline": "{place}险情解除",
            "description": "{place}的{event}险情已经解除，{buildings}栋建筑的撤离措施结束。",
            "instruction": "居民可以返回。请勿进入现场围挡，如闻到燃气味、发现新裂缝或地面下沉，请立即报告。",
        },
    },
    "cancellation": {
        ENGLISH: {
            "headline": "Cancelled: the warning for {place}",
            "description": "The warning of a danger at {place} ({event_lower}) is withdrawn. It was not confirmed.",
            "instruction": "Nothing needs to be done. If you have left home you may return.",
        },
        CHINESE: {
            "headline": "取消：{place}的预警",
            "description": "{place}的{event}预警现予撤销，险情未获证实。",
            "instruction": "无需采取任何行动；已经离开的居民可以返回。",
        },
    },
}
_ASKS = {
    "fire": {
        ENGLISH: [
            "{event} at {place} ({lat}, {lon}): secure everything within {radius} m.",
            "Lead people out of {in_hazard} buildings that stand in the hazard itself.",
            "{needing_help} people in the zone need help to leave; carry those whom workers cannot.",
        ],
        CHINESE: [
            "{place}（{lat}，{lon}）发生{event}，请控制周边{radius}米范围。",
            "请引导危险区内{in_hazard}栋建筑的人员撤出。",
            "区域内有{needing_help}人需要协助撤离，工作人员无法搬动者请予转运。",
        ],
    },
    "police": {
        ENGLISH: [
            "{event} at {place} ({lat}, {lon}): cordon off the zone of {buildings} buildings and let nobody in.",
            "{households} households leave on foot. {where_to} Keep their way free.",
        ],
        CHINESE: [
            "{place}（{lat}，{lon}）发生{event}，请封控共{buildings}栋建筑的区域，禁止人员进入。",
            "{households}户居民正步行撤离。{where_to}请保持沿途畅通。",
        ],
    },
    "traffic": {
        ENGLISH: [
            "{event} at {place} ({lat}, {lon}): close these streets: {streets}.",
            "Turn buses and through traffic around the zone, and keep a lane for rescuers.",
        ],
        CHINESE: [
            "{place}（{lat}，{lon}）发生{event}，请封闭以下道路：{streets}。",
            "请引导公交和过境车辆绕行，并保留救援通道。",
        ],
    },
    "water": {
        ENGLISH: [
            "{event} at {place} ({lat}, {lon}): shut these water valves: {water}.",
            "Send a crew to look for a burst main below the site.",
        ],
        CHINESE: [
            "{place}（{lat}，{lon}）发生{event}，请关闭以下供水阀门：{water}。",
            "请派员检查现场地下管道是否破裂。",
        ],
    },
    "gas": {
        ENGLISH: [
            "{event} at {place} ({lat}, {lon}): shut these gas valves: {gas}.",
            "Send a crew to measure gas before anyone works at the site.",
        ],
        CHINESE: [
            "{place}（{lat}，{lon}）发生{event}，请关闭以下燃气阀门：{gas}。",
            "人员作业前请派员检测现场燃气浓度。",
        ],
    },
}
_STAND_DOWN = {
    "fire": {
        ENGLISH: ["The evacuation at {place} has ended: hand the site over and stand down."],
        CHINESE: ["{place}撤离措施结束，请移交现场并撤回力量。"],
    },
    "police": {
        ENGLISH: ["The evacuation at {place} has ended: open the cordon and keep the site itself closed."],
        CHINESE: ["{place}撤离措施结束，请撤除封控，仅保留现场围挡。"],
    },
    "traffic": {
        ENGLISH: ["The evacuation at {place} has ended: open again what can be driven on of {streets}."],
        CHINESE: ["{place}撤离措施结束，请恢复可通行道路：{streets}。"],
    },
    "water": {
        ENGLISH: ["The evacuation at {place} has ended: open these valves when the mains are sound: {water}."],
        CHINESE: ["{place}撤离措施结束，确认管道完好后请开启阀门：{water}。"],
    },
    "gas": {
        ENGLISH: ["The evacuation at {place} has ended: open these valves when the mains are sound: {gas}."],
        CHINESE: ["{place}撤离措施结束，确认管道完好后请开启阀门：{gas}。"],
    },
}
