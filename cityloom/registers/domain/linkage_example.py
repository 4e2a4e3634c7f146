"""Made-up people and organisations as several departments write them, with stated noise and what is really true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.kernel import ids
from cityloom.registers.domain import linkage_sound, made_up_words

Table = dict[str, list[str]]
Ints = NDArray[np.int64]
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆"
    "范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫雷龙黎史陶贺毛段郝顾龚邵万覃武钱戴严莫孔向常汤"
)
_GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉红建国志文海云山林春秋冬雪梅竹松柏晨阳雨晴佳欣怡然子轩浩宇思远"
    "博凯鹏飞燕倩婷慧琳瑶璐萍莉颖洁蕾薇菲岚凤琴兰翠珍珠雯瑞祥福德义仁礼信忠诚孝良才俊豪峰岭川江河波源清泉冰霜露月星辰"
    "光辉耀荣昌盛兴旺安康健宁和顺利丰裕富贵金银铭钧锋锐钢铁石岩坚毅恒久长永年庆"
)
_TRADES = ("科技", "贸易", "餐饮管理", "物流", "建筑材料", "服装", "信息咨询", "电子", "装饰工程", "文化传播",
           "生物医药", "机械设备")  # fmt: skip
_SHORTER = {"餐饮管理": "餐饮", "建筑材料": "建材", "信息咨询": "咨询", "装饰工程": "装饰", "文化传播": "文化",
            "生物医药": "医药", "机械设备": "机械"}  # fmt: skip
_BRANDS = "澜星岚宁启恒瑞泰润和嘉禾云帆景明安远德信诚达鑫盛宏博创新华联科达中天海纳汇通金桥"
_LEGAL = ("有限公司", "有限责任公司", "股份有限公司")
_PHONES, _NUMBERS = 12_000_000_000, 1_000_000_000
"""Telephone numbers from 12 on, which no mobile network in China has."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CITY, _DISTRICTS = "澜江市", ("福溪区", "南岭区", "宝林区", "龙渡区", "盐浦区")


@dataclass(frozen=True)
class Noise:
    """What departments get wrong, as shares of the records: names in each source, the rest in the second alone."""

    surname: float = 0.03
    given_name: float = 0.08
    birth_date: float = 0.04
    birth_date_missing: float = 0.02
    phone_missing: float = 0.15
    phone_changed: float = 0.20
    moved: float = 0.25


@dataclass(frozen=True)
class Linked:
    """Two tables, and which row of the one is which row of the other."""

    left: Table
    right: Table
    same: tuple[Ints, Ints]


def people(
    left: int, right: int, shared: int, seed: int, *, chinese: bool = False, noise: Noise | None = None
) -> Linked:  # fmt: skip
    """Two departments' tables of made-up people, `shared` of whom are in both; nobody is in a table twice.

    Names are drawn by Zipf's law, in pinyin or in Chinese signs; they have no identity number.
    """
    chance = ids.seeded(seed, "registers", "linkage", "people")
    noise = noise or Noise()
    everybody = _People(left + right - shared, chance, chinese=chinese)
    first = everybody.table(np.arange(left))
    which = np.concatenate([np.arange(shared), np.arange(left, left + right - shared)])
    order = chance.permutation(right)
    second = everybody.table(which[order])
    for table in (first, second):
        for name, share in (("surname", noise.surname), ("given_name", noise.given_name)):
            _spoil(table[name], share, chance, _misheard if chinese else _mistyped)
    _spoil_day(second["birth_date"], noise, chance)
    _spoil(second["phone"], noise.phone_missing, chance, lambda _value, _chance: "")
    _spoil(second["phone"], noise.phone_changed / (1 - noise.phone_missing), chance, _another_phone)
    _spoil(second["address"], noise.moved, chance, lambda _value, chance: _address(chance))
    place = np.argsort(order)
    return Linked(first, second, (np.arange(shared), place[:shared]))


class _People:
    """So many made-up people, and how each is written when nobody errs."""

    def __init__(self, count: int, chance: np.random.Generator, *, chinese: bool) -> None:
        spell: Callable[[str], str] = str if chinese else lambda name: linkage_sound.letters(name).capitalize()
        surnames = [spell(sign) for sign in _SURNAMES]
        given = [spell(one + two) for one in _GIVEN for two in ("", *_GIVEN)]
        chance.shuffle(given)
        self._surname = np.array(surnames)[_zipf(len(surnames), count, chance, 1.0)]
        self._given = np.array(given)[_zipf(len(given), count, chance, 0.8)]
        self._born = np.datetime64("1935-01-01") + chance.integers(0, 29_000, count)
        self._phone = _PHONES + chance.integers(0, _NUMBERS, count)
        self._address = [_address(chance) for _one in range(count)]

    def table(self, rows: Ints) -> Table:
        """Some of them as columns of texts."""
        return {
            "surname": self._surname[rows].tolist(), "given_name": self._given[rows].tolist(),
            "birth_date": self._born[rows].astype(str).tolist(), "phone": self._phone[rows].astype(str).tolist(),
            "address": [self._address[row] for row in rows.tolist()],
        }  # fmt: skip


def _zipf(kinds: int, count: int, chance: np.random.Generator, exponent: float) -> Ints:
    shares = 1.0 / np.arange(1, kinds + 1) ** exponent
    return np.searchsorted(np.cumsum(shares / shares.sum()), chance.random(count)).clip(0, kinds - 1)


def _address(chance: np.random.Generator) -> str:
    street, number = int(chance.integers(0, 1500)), int(chance.integers(1, 400))
    return f"{made_up_words.street(street, 'primary' if street % 3 else 'tertiary')[0]} {number}"


def _spoil(
    values: list[str], share: float, chance: np.random.Generator, how: Callable[[str, np.random.Generator], str]
) -> None:  # fmt: skip
    """Change a share of the values that are not empty."""
    for row in np.flatnonzero(chance.random(len(values)) < share).tolist():
        if values[row]:
            values[row] = how(values[row], chance)


def _mistyped(name: str, chance: np.random.Generator) -> str:
    """One letter replaced, lost, doubled by another, or two in the wrong order."""
    at, other = int(chance.integers(0, len(name))), _LETTERS[int(chance.integers(0, 26))]
    kind = int(chance.integers(0, 4))
    if kind == 0 or len(name) < 3:
        return name[:at] + other + name[at + 1 :]
    if kind == 1:
        return name[:at] + name[at + 1 :]
    if kind == 2:
        return name[:at] + other + name[at:]
    at = min(at, len(name) - 2)
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :]


def _misheard(name: str, chance: np.random.Generator) -> str:
    """One sign replaced by another that sounds the same where there is one, else by any."""
    at = int(chance.integers(0, len(name)))
    said = linkage_sound.letters(name[at])
    alike = [sign for sign in _SURNAMES + _GIVEN if sign != name[at] and linkage_sound.letters(sign) == said]
    signs = alike or list(_GIVEN)
    return name[:at] + signs[int(chance.integers(0, len(signs)))] + name[at + 1 :]


def _spoil_day(days: list[str], noise: Noise, chance: np.random.Generator) -> None:
    _spoil(days, noise.birth_date_missing, chance, lambda _day, _chance: "")
    _spoil(days, noise.birth_date, chance, _wrong_day)


def _wrong_day(day: str, chance: np.random.Generator) -> str:
    """Day and month swapped where that is a date, else one digit wrong."""
    year, month, number = day.split("-")
    if chance.random() < 0.5 and int(number) <= 12 and number != month:
        return f"{year}-{number}-{month}"
    at = int(chance.choice([3, 6, 9]))
    return day[:at] + str((int(day[at]) + int(chance.integers(1, 10))) % 10) + day[at + 1 :]


def _another_phone(_phone: str, chance: np.random.Generator) -> str:
    return str(_PHONES + int(chance.integers(0, _NUMBERS)))


def organisations(left: int, right: int, shared: int, seed: int) -> Linked:
    """Two departments' tables of made-up companies without a common number; names are written in two manners.

    Of the second table's names 60 % lack the city or the legal form or shorten the trade, and 4 % are misheard; 15 %
    have moved, 30 % have no phone and 20 % another one.
    """
    chance = ids.seeded(seed, "registers", "linkage", "organisations")
    everybody = [_company(chance) for _one in range(left + right - shared)]
    which = np.concatenate([np.arange(shared), np.arange(left, left + right - shared)])
    order = chance.permutation(right)
    first = _rows(everybody[:left])
    second = _rows([everybody[row] for row in which[order].tolist()])
    second["name"] = [_rewritten(name, chance) for name in second["name"]]
    _spoil(second["name"], 0.04, chance, _misheard_brand)
    _spoil(second["address"], 0.15, chance, lambda _address, chance: _place(chance))
    _spoil(second["phone"], 0.30, chance, lambda _phone, _chance: "")
    _spoil(second["phone"], 0.28, chance, _another_phone)
    return Linked(first, second, (np.arange(shared), np.argsort(order)[:shared]))


def _company(chance: np.random.Generator) -> dict[str, str]:
    brand = "".join(_BRANDS[int(at)] for at in chance.integers(0, len(_BRANDS), int(chance.integers(2, 5))))
    trade, legal = _TRADES[int(chance.integers(0, len(_TRADES)))], _LEGAL[int(chance.choice(3, p=[0.8, 0.15, 0.05]))]
    family = _SURNAMES[int(_zipf(len(_SURNAMES), 1, chance, 1.0)[0])]
    given = "".join(_GIVEN[int(at)] for at in chance.integers(0, len(_GIVEN), 2))
    return {
        "name": f"{_CITY}{brand}{trade}{legal}", "address": _place(chance), "phone": _another_phone("", chance),
        "representative": family + given,
        "registered_on": str(np.datetime64("1995-01-01") + int(chance.integers(0, 11_000))),
    }  # fmt: skip


def _place(chance: np.random.Generator) -> str:
    street = made_up_words.street(int(chance.integers(0, 400)), "secondary")[1]
    return f"{_CITY}{_DISTRICTS[int(chance.integers(0, 5))]}{street}{int(chance.integers(1, 600))}号"


def _rows(companies: list[dict[str, str]]) -> Table:
    return {name: [company[name] for company in companies] for name in companies[0]}


def _rewritten(name: str, chance: np.random.Generator) -> str:
    if chance.random() >= 0.6:
        return name
    for long, short in _SHORTER.items():
        if chance.random() < 0.5:
            name = name.replace(long, short)
    if chance.random() < 0.5:
        name = name.removeprefix(_CITY)
    if chance.random() < 0.4:
        name = name.replace("有限责任公司", "公司").replace("股份有限公司", "公司").replace("有限公司", "公司")
    return name.replace(_CITY, "") + "（澜江）" if chance.random() < 0.1 else name


def _misheard_brand(name: str, chance: np.random.Generator) -> str:
    start = len(_CITY) if name.startswith(_CITY) else 0
    return name[:start] + _misheard(name[start : start + 2], chance) + name[start + 2 :]
