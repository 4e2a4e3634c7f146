"""An address as its parts, whatever its language."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from cityloom.registers.domain import address_chinese, address_western
from cityloom.registers.domain.address_parts import LONGEST, Address, Part

_KEPT = 4_096


def parsed(text: str, home: str = "") -> Address:
    """An address cut into parts that cover the text; what follows the first 300 signs is `other`. Never fails.

    `home` is the beginning of the city's code in GB/T 2260: of divisions of one name, those there are meant.
    """
    if len(text) <= LONGEST:
        return _parsed(text, home)
    head = _parsed(text[:LONGEST], home)
    return Address(text, (*head.parts, Part("other", LONGEST, len(text))), head.script, head.division)


@lru_cache(maxsize=_KEPT)
def _parsed(text: str, home: str) -> Address:
    plain = one_width(text)
    if is_chinese(plain):
        parts, division = address_chinese.parts_of(plain, home)
        return Address(text, parts, "chinese", division)
    return Address(text, address_western.parts_of(plain), "western")


def address_parts(text: str) -> dict[str, str]:
    """The first part of each kind in an address, as it is written there."""
    return parsed(text).by_kind()


def is_chinese(text: str) -> bool:
    """Whether a text is read as a Chinese address: it has Chinese signs, and not only a few among Latin ones."""
    if text.isascii():
        return False
    han = len(_HAN.findall(text))
    return han > 0 and 3 * han >= len(_LATIN.findall(text))


_HAN, _LATIN = re.compile(r"[\u3400-\u9fff〇]"), re.compile(r"[A-Za-z]")


def one_width(text: str) -> str:
    """A text of the same length in which each sign has its usual width and form."""
    return text if text.isascii() and text.isprintable() else text.translate(_USUAL)


class _Usual(dict[int, str]):
    """The usual form of each sign, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = _usual(chr(code))
        return self[code]


_USUAL = _Usual()


def _usual(sign: str) -> str:
    if sign in _SIMPLIFIED:
        return _SIMPLIFIED[sign]
    if sign in "№ºª°":
        return sign
    if unicodedata.category(sign) in ("Cf", "Cc") and not sign.isspace():
        return " "
    plain = unicodedata.normalize("NFKC", sign)
    return plain if len(plain) == 1 else sign


_SIMPLIFIED = dict(zip(
    "號樓棟單層縣區鎮鄉廈廣東門場園開發創業產國際華龍馬馬灣衛醫學軍團運濱瀋遼寧蘇滬貴雲陝肅臺檯灣貫環線橋鐵電機車關閣館餐飯處廳縱橫陽陰雙島嶼嶺峰溝鋪莊"
    "寶來與後裏裡內對側邊幾萬億兩長豐禮義鳳魯興隆濟啟維爾達選進順",
    "号楼栋单层县区镇乡厦广东门场园开发创业产国际华龙马马湾卫医学军团运滨沈辽宁苏沪贵云陕肃台台湾贯环线桥铁电机车关阁馆餐饭处厅纵横阳阴双岛屿岭峰沟铺庄"
    "宝来与后里里内对侧边几万亿两长丰礼义凤鲁兴隆济启维尔达选进顺", strict=True,
))  # fmt: skip
