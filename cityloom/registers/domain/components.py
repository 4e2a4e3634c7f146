"""City components: what stands in the street and is looked after, by class, and the number that each one has.

Only main classes are checked in a number. The sub-classes are those of two cities' catalogues that follow CJ/T 214, and
agree; the text of that standard, and of GB/T 30428.2 after it, was not at hand: compare them with it before anything is
decided by them.
"""

from __future__ import annotations

CLASSES: dict[str, tuple[str, str]] = {
    "01": ("Public utilities", "公用设施"), "02": ("Roads and traffic", "道路交通"),
    "03": ("City environment", "市容环境"), "04": ("Greening", "园林绿化"), "05": ("Housing and land", "房屋土地"),
    "06": ("Other facilities", "其他设施"),
}  # fmt: skip
"""The main classes: the seventh and eighth digit of a component's number."""
SUB_CLASSES: dict[str, tuple[str, str]] = {
    "0101": ("Manhole cover, water supply", "上水井盖"), "0102": ("Manhole cover, sewage", "污水井盖"),
    "0103": ("Manhole cover, rainwater", "雨水井盖"), "0104": ("Rainwater grate", "雨水箅子"),
    "0105": ("Manhole cover, electricity", "电力井盖"), "0106": ("Manhole cover, street lighting", "路灯井盖"),
    "0107": ("Manhole cover, telecom", "通讯井盖"), "0108": ("Manhole cover, television", "电视井盖"),
    "0109": ("Manhole cover, network", "网络井盖"), "0110": ("Manhole cover, heating", "热力井盖"),
    "0111": ("Manhole cover, gas", "燃气井盖"), "0112": ("Manhole cover, police", "公安井盖"),
    "0113": ("Fire hydrant and fire-fighting facility", "消防设施"),
    "0114": ("Manhole cover without an owner", "无主井盖"),
    "0115": ("Telecom cabinet", "通讯交接箱"), "0116": ("Electrical facility", "电力设施"), "0117": ("Pole", "立杆"),
    "0118": ("Street lamp", "路灯"), "0119": ("Ground lamp", "地灯"), "0120": ("Landscape lamp", "景观灯"),
    "0121": ("Newsstand", "报刊亭"), "0122": ("Telephone booth", "电话亭"), "0123": ("Mailbox", "邮筒"),
    "0124": ("Information booth", "信息亭"), "0125": ("Vending machine", "自动售货机"),
    "0126": ("Fitness equipment", "健身设施"), "0127": ("Manhole cover, reclaimed water", "中水井盖"),
    "0128": ("Manhole cover, buses", "公交井盖"), "0129": ("Manhole cover, oil pipeline", "输油(气)井盖"),
    "0130": ("Manhole cover, special", "特殊井盖"), "0131": ("Well for residents", "民用水井"),
    "0132": ("Water dispenser", "供水器"), "0133": ("High-voltage pylon", "高压线铁塔"),
    "0134": ("Transformer", "变压器(箱)"), "0135": ("Gas regulator", "燃气调压站(箱)"),
    "0136": ("Surveillance camera", "监控电子眼"), "0137": ("Sales booth", "售货亭"),
    "0138": ("Guard booth", "治安岗亭"),
    "0201": ("Car park", "停车场"), "0202": ("Parking meter", "停车咪表"), "0203": ("Bus shelter", "公交站亭"),
    "0204": ("Taxi stand sign", "出租车站牌"), "0205": ("Footbridge", "过街天桥"), "0206": ("Underpass", "地下通道"),
    "0207": ("Overpass", "高架立交桥"), "0208": ("River bridge", "跨河桥"), "0209": ("Traffic sign", "交通标志牌"),
    "0210": ("Traffic light", "交通信号灯"), "0211": ("Traffic barrier", "交通护栏"),
    "0212": ("Bicycle rack", "存车支架"), "0213": ("Street name sign", "路名牌"),
    "0214": ("Traffic signal facility", "交通信号设施"), "0215": ("Road information display", "道路信息显示屏"),
    "0216": ("Noise barrier", "道路隔音屏"), "0217": ("Traffic booth", "交通岗亭"),
    "0301": ("Public toilet", "公共厕所"), "0302": ("Septic tank", "化粪池"), "0303": ("Toilet sign", "公厕指示牌"),
    "0304": ("Waste room", "垃圾间(楼)"), "0305": ("Litter bin", "垃圾箱"), "0306": ("Light box, neon", "灯箱霓虹灯"),
    "0307": ("Advertising board", "广告牌匾"), "0308": ("Environmental station", "环保监测站"),
    "0309": ("Weather station", "气象监测站"), "0310": ("Outfall station", "污水口监测站"),
    "0311": ("Noise display", "噪声显示屏"),
    "0401": ("Ancient tree", "古树名木"), "0402": ("Street tree", "行道树"), "0403": ("Tree guard", "护树设施"),
    "0404": ("Flower stand", "花架花钵"), "0405": ("Green area", "绿地"), "0406": ("Sculpture", "雕塑"),
    "0407": ("Bench", "街头坐椅"), "0408": ("Green area fence", "绿地护栏"),
    "0409": ("Green area equipment", "绿地维护设施"), "0410": ("Fountain", "喷泉"),
    "0501": ("Notice board", "宣传栏"), "0502": ("Civil defence works", "人防工事"),
    "0503": ("Basement of public housing", "公房地下室"),
    "0601": ("Major hazard source", "重大危险源"), "0602": ("Construction site", "工地"),
    "0603": ("Water area facility", "水域附属设施"), "0604": ("Water area fence", "水域护栏"),
    "0605": ("Port facility", "港监设施"), "0606": ("Flood wall", "防汛墙"),
}  # fmt: skip
"""The sub-classes: the seventh to tenth digit of a component's number, with the names in English and Chinese.

They are shown, and nothing is refused for them; a city may extend them in its classes' free numbers.
"""
_CLASS = slice(6, 10)


def sub_class(code: str) -> str:
    """The four digits of a component's number that say what it is."""
    return code[_CLASS]


def names(code: str) -> tuple[str, str]:
    """What a component is, in English and Chinese; the main class where its sub-class is a city's own."""
    of = sub_class(code)
    return SUB_CLASSES.get(of) or CLASSES.get(of[:2]) or ("Component", "部件")
