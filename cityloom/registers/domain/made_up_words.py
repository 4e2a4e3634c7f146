"""Names for streets and areas that do not exist, in pinyin and in Chinese."""

from __future__ import annotations

_FIRST = (
    ("Chun", "春"), ("Qing", "青"), ("Yun", "云"), ("Ming", "明"), ("Song", "松"), ("Bai", "白"), ("Jin", "锦"),
    ("He", "和"), ("Lan", "兰"), ("Zhu", "竹"), ("Feng", "枫"), ("Shi", "石"), ("Hong", "虹"), ("Yu", "玉"),
    ("Long", "龙"), ("Mei", "梅"), ("Xing", "星"), ("Chang", "长"), ("Ping", "平"), ("An", "安"), ("Gui", "桂"),
    ("Liu", "柳"), ("Tao", "桃"), ("Yan", "燕"), ("Lin", "林"), ("Hai", "海"), ("Jiang", "江"), ("Xi", "溪"),
    ("Tian", "田"), ("Hua", "花"), ("Guang", "光"), ("Ning", "宁"), ("Fu", "福"), ("Wen", "文"), ("Xin", "新"),
    ("Dong", "东"), ("Nan", "南"), ("Bei", "北"), ("Shan", "山"), ("Jing", "景"),
)  # fmt: skip
_SECOND = (
    ("feng", "风"), ("he", "河"), ("yang", "阳"), ("shan", "山"), ("yuan", "园"), ("qiao", "桥"), ("hu", "湖"),
    ("lin", "林"), ("ping", "坪"), ("wan", "湾"), ("tang", "塘"), ("xiu", "秀"), ("hua", "华"), ("ting", "亭"),
    ("cheng", "城"), ("men", "门"), ("quan", "泉"), ("gang", "岗"), ("du", "渡"), ("tai", "台"), ("zhou", "洲"),
    ("sha", "沙"), ("ye", "野"), ("yue", "月"), ("lu", "露"), ("xia", "霞"), ("chi", "池"), ("fang", "坊"),
    ("li", "里"), ("an", "岸"), ("guan", "关"), ("yi", "谊"), ("xing", "兴"), ("kang", "康"), ("le", "乐"),
    ("mao", "茂"), ("sheng", "盛"), ("tian", "甜"), ("yin", "银"), ("zhen", "珍"),
)  # fmt: skip
_STRIDE = 617  # shares no factor with the number of pairs, so that neighbours in number differ in both halves


def place(number: int) -> tuple[str, str]:
    """A name in English and Chinese; 1,600 differ, then a numeral is added."""
    pairs = len(_FIRST) * len(_SECOND)
    at = number * _STRIDE % pairs
    (first, first_zh), (second, second_zh) = _FIRST[at // len(_SECOND)], _SECOND[at % len(_SECOND)]
    again = number // pairs
    suffix, suffix_zh = (f" {again + 1}", f"{again + 1}") if again else ("", "")
    return f"{first}{second}{suffix}", f"{first_zh}{second_zh}{suffix_zh}"


def street(number: int, kind: str) -> tuple[str, str]:
    """A street's name in English and Chinese, with the word for its kind."""
    english, chinese = place(number)
    word, word_zh = {
        "primary": ("Avenue", "大道"), "secondary": ("Road", "路"), "tertiary": ("Road", "路"),
    }.get(kind, ("Street", "街"))  # fmt: skip
    return f"{english} {word}", f"{chinese}{word_zh}"
