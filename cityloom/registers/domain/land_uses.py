"""What land is used for: classes after GB/T 21010-2017, those of two digits and those of four.

The text of the standard was not at hand. That it has 73 classes of four digits is said in its foreword, and a land
survey's list has the same 73 numbers and Chinese names. A code that is not in the table is set aside at loading.
"""

from __future__ import annotations

LAND_USES: dict[str, tuple[str, str]] = {
    "01": ("Arable land", "耕地"), "0101": ("Paddy field", "水田"), "0102": ("Irrigated land", "水浇地"),
    "0103": ("Dry land", "旱地"),
    "02": ("Garden plots", "园地"), "0201": ("Orchard", "果园"), "0202": ("Tea garden", "茶园"),
    "0203": ("Rubber garden", "橡胶园"), "0204": ("Other garden plots", "其他园地"),
    "03": ("Woodland", "林地"), "0301": ("Tree woodland", "乔木林地"), "0302": ("Bamboo woodland", "竹林地"),
    "0303": ("Mangrove", "红树林地"), "0304": ("Forest swamp", "森林沼泽"), "0305": ("Shrub woodland", "灌木林地"),
    "0306": ("Shrub swamp", "灌丛沼泽"), "0307": ("Other woodland", "其他林地"),
    "04": ("Grassland", "草地"), "0401": ("Natural pasture", "天然牧草地"), "0402": ("Swamp grassland", "沼泽草地"),
    "0403": ("Planted pasture", "人工牧草地"), "0404": ("Other grassland", "其他草地"),
    "05": ("Commerce and services", "商服用地"), "0501": ("Retail", "零售商业用地"),
    "0502": ("Wholesale market", "批发市场用地"), "0503": ("Catering", "餐饮用地"), "0504": ("Hotel", "旅馆用地"),
    "0505": ("Business and finance", "商务金融用地"), "0506": ("Entertainment", "娱乐用地"),
    "0507": ("Other commerce and services", "其他商服用地"),
    "06": ("Industry, mining and storage", "工矿仓储用地"), "0601": ("Industry", "工业用地"),
    "0602": ("Mining", "采矿用地"), "0603": ("Salt pan", "盐田"), "0604": ("Storage", "仓储用地"),
    "07": ("Housing", "住宅用地"), "0701": ("Urban housing", "城镇住宅用地"), "0702": ("Rural homestead", "农村宅基地"),
    "08": ("Public administration and services", "公共管理与公共服务用地"),
    "0801": ("Government and associations", "机关团体用地"), "0802": ("Press and publishing", "新闻出版用地"),
    "0803": ("Education", "教育用地"), "0804": ("Research", "科研用地"), "0805": ("Health care", "医疗卫生用地"),
    "0806": ("Social welfare", "社会福利用地"), "0807": ("Culture", "文化设施用地"), "0808": ("Sports", "体育用地"),
    "0809": ("Public utilities", "公用设施用地"), "0810": ("Parks and green", "公园与绿地"),
    "09": ("Special uses", "特殊用地"), "0901": ("Military", "军事设施用地"), "0902": ("Embassies", "使领馆用地"),
    "0903": ("Prisons and education centres", "监教场所用地"), "0904": ("Religion", "宗教用地"),
    "0905": ("Burial", "殡葬用地"), "0906": ("Scenic sites", "风景名胜设施用地"),
    "10": ("Transport", "交通运输用地"), "1001": ("Railway", "铁路用地"), "1002": ("Urban rail", "轨道交通用地"),
    "1003": ("Highway", "公路用地"), "1004": ("Streets of towns and villages", "城镇村道路用地"),
    "1005": ("Stations and car parks", "交通服务场站用地"), "1006": ("Rural road", "农村道路"),
    "1007": ("Airport", "机场用地"), "1008": ("Port", "港口码头用地"), "1009": ("Pipelines", "管道运输用地"),
    "11": ("Water and waterworks", "水域及水利设施用地"), "1101": ("River", "河流水面"), "1102": ("Lake", "湖泊水面"),
    "1103": ("Reservoir", "水库水面"), "1104": ("Pond", "坑塘水面"), "1105": ("Coastal flat", "沿海滩涂"),
    "1106": ("Inland flat", "内陆滩涂"), "1107": ("Ditch", "沟渠"), "1108": ("Swamp", "沼泽地"),
    "1109": ("Hydraulic works", "水工建筑用地"), "1110": ("Glacier and snow", "冰川及永久积雪"),
    "12": ("Other land", "其他土地"), "1201": ("Vacant land", "空闲地"), "1202": ("Farm facilities", "设施农用地"),
    "1203": ("Field ridge", "田坎"), "1204": ("Saline land", "盐碱地"), "1205": ("Sand", "沙地"),
    "1206": ("Bare soil", "裸土地"), "1207": ("Bare rock and gravel", "裸岩石砾地"),
}  # fmt: skip
"""By code: the name in English and in Chinese."""
