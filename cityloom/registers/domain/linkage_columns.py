"""What the columns of a file of foreign shape are for linking, by the words in their headers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cityloom.registers.domain.linkage_config import Config

_WORDS = {
    "given_name": "given_name givenname first_name firstname forename fname given 名 名字",
    "surname": "surname last_name lastname family_name familyname lname sname family 姓 姓氏",
    "name": "name full_name fullname person_name company company_name organisation_name organization_name "
            "business_name firm title 姓名 名称 企业名称 单位名称 公司名称 机构名称 法人名称 产权人",
    "birth_date": "birth_date birthdate date_of_birth dob birthday born birth 出生日期 出生年月 生日",
    "national_id": "national_id nationalid soc_sec_id ssn id_number id_card idcard nin nhs_number passport "
                   "identity_number 身份证 身份证号 身份证号码 公民身份号码 证件号码",
    "phone": "phone phone_number telephone tel mobile phone_no cell 电话 手机 手机号 手机号码 联系电话",
    "email": "email e_mail mail email_address 邮箱 电子邮箱",
    "sex": "sex gender 性别",
    "house_number": "house_number street_number housenumber street_no house_no number 门牌号",
    "street": "street address_1 address1 street_name streetname addr1 road address_line_1 街道 路名",
    "address": "address addr full_address address_line home_address location 地址 住址 住所 详细地址 经营地址 家庭住址",
    "locality": "locality suburb city town village birth_place place_of_birth municipality 城市 市 乡镇",
    "postcode": "postcode postal_code postalcode zip zip_code zipcode postcode_fake post_code 邮编 邮政编码",
    "region": "region state province county 省 省份 区县",
    "code": "code credit_code registration_number company_number vat tax_id 统一社会信用代码 信用代码",
    "division": "division 行政区划代码 区划代码",
    "representative": "representative legal_representative owner director 法定代表人 负责人 经营者",
    "registered_on": "registered_on incorporation_date registration_date founded 成立日期 注册日期",
    "industry": "industry sector sic trade 行业代码 行业",
}  # fmt: skip
_MEANS = {word: field for field, words in _WORDS.items() for word in words.split()}


def proposed(header: Sequence[str], config: Config) -> dict[str, str]:
    """For columns of a file the column of the configuration that each becomes; what is unknown is left out."""
    found: dict[str, str] = {}
    for name in header:
        field = _MEANS.get(re.sub(r"[\s\-.]+", "_", name.strip().lower()).strip("_"), "")
        if field in config.columns and field not in found.values():
            found[name] = field
    return found


def likeliest(header: Sequence[str], configs: Mapping[str, Config]) -> str:
    """The register whose configuration knows most of the columns; people where somebody is born."""
    known = {name: set(proposed(header, config).values()) for name, config in configs.items()}
    if "people" in known and known["people"] & {"birth_date", "given_name", "surname", "national_id"}:
        return "people"
    return max(known, key=lambda name: len(known[name]))
