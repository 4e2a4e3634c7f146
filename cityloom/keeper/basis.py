"""Purposes: what people may be opened for, on which law, which fields, by whom, how many, and until when."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec

from cityloom.keeper import packet, record
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused

EMERGENCY = "emergency-assistance"
REGISTER = "register-maintenance"
RESIDENT = "resident-access"
GLASS = "break-glass"
STATUS = "adverse-status"
CASES = "case-handling"
OVERSIGHT = "oversight"
PLACES = "place-alerts"
REPORTS = "problem-reports"
PARTIES = "register-parties"
CORRECTIONS = "register-corrections"
DOCUMENTS = "case-documents"
APPLICATIONS = "applications"
DISPUTES = "dispute-parties"
OF_PACKETS = (PLACES, REPORTS, PARTIES, CORRECTIONS, DOCUMENTS, DISPUTES)
"""Purposes that are about packets, which belong to nobody's register entry."""
BASIS_YEARS = 2
POLICIES = Path(__file__).parent / "policies"
CASE_POLICY = "case"
PREDICATES = ("age-at-least", "age-under", "is", "lives-in", "same-household")
_UNLIMITED = 50_000_000
_POLICY_OF = {CASES: CASE_POLICY} | dict.fromkeys(OF_PACKETS, "packets")

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")]
Words = Annotated[list[Word], msgspec.Meta(max_length=32)]
Sentence = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
Count = Annotated[int, msgspec.Meta(ge=0, le=_UNLIMITED)]


class PurposeDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a data steward writes: one purpose, complete.

    `services` says which calling systems may use it, and how many different people a day each may open.
    """

    purpose: Word
    basis: Word
    statute: Sentence
    article: Sentence
    fields: Words
    units: Words
    roles: Words
    granters: Words
    valid_until: str
    most_a_request: Count
    most_a_day: Count
    most_a_day_each: Count
    second_person_above: Count
    retention_days: Annotated[int, msgspec.Meta(ge=1, le=36500)]
    approvers: Words = msgspec.field(default_factory=lambda: ["data-protection-officer"])
    predicates: Words = []
    search: Words = []
    services: dict[Word, Count] = msgspec.field(default_factory=lambda: {"city": _UNLIMITED})
    title: dict[str, str] = {}
    policy: Annotated[str, msgspec.Meta(max_length=20_000)] = ""


@dataclass(frozen=True)
class Basis:
    """The legal ground of a purpose: the article that allows it, for which fields, units and roles, and until when.

    `version` counts the changes of the purpose; `policy` is its Cedar text.
    """

    purpose: str
    id: str
    statute: str
    article: str
    fields: tuple[str, ...]
    units: tuple[str, ...]
    roles: tuple[str, ...]
    granters: tuple[str, ...]
    valid_until: datetime
    max_subjects: int
    max_a_day: int = _UNLIMITED
    max_a_day_each: int = _UNLIMITED
    second_above: int = _UNLIMITED
    retention_days: int = 365
    approvers: tuple[str, ...] = ("data-protection-officer",)
    predicates: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    services: tuple[tuple[str, int], ...] = (("city", _UNLIMITED),)
    title: tuple[tuple[str, str], ...] = ()
    policy: str = ""
    version: int = 1

    @property
    def citation(self) -> str:
        """The article as one cites it."""
        return f"{self.statute}, {self.article}"

    def limit_of(self, service: str) -> int:
        """How many different people a day a calling system may open; 0 for one that the purpose does not name."""
        return dict(self.services).get(service, 0)


_decoder = msgspec.json.Decoder(PurposeDocument)
_TUPLES = {"services", "title"}


def document_schema() -> dict[str, object]:
    """The JSON Schema of what a steward writes."""
    return msgspec.json.schema(PurposeDocument)


def read_document(text: bytes) -> Basis:
    """A steward's document as a basis without a version.

    Raises: Refused `gate.bad_purpose` with the place of what is wrong in it.
    """
    try:
        wanted = _decoder.decode(text)
        valid_until = clock.from_text(wanted.valid_until)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Refused("gate.bad_purpose", "The purpose cannot be read: {value}. Correct it and propose it again.",
                      value=str(error)[:300]) from error  # fmt: skip
    _check_known(wanted.fields, packet.FIELDS if wanted.purpose in OF_PACKETS else record.FIELDS, _NO_FIELD)
    _check_known(wanted.search, record.SEARCHED, _NO_SEARCH)
    _check_known(wanted.predicates, PREDICATES, _NO_QUESTION)
    policy = wanted.policy or policy_text(_POLICY_OF.get(wanted.purpose, CASE_POLICY))
    return Basis(
        wanted.purpose, wanted.basis, wanted.statute, wanted.article, tuple(wanted.fields), tuple(wanted.units),
        tuple(wanted.roles), tuple(wanted.granters), valid_until, wanted.most_a_request, wanted.most_a_day,
        wanted.most_a_day_each, wanted.second_person_above, wanted.retention_days, tuple(wanted.approvers),
        tuple(wanted.predicates), tuple(wanted.search), tuple(sorted(wanted.services.items())),
        tuple(sorted(wanted.title.items())), policy, 0,
    )  # fmt: skip


_NO_FIELD = "The purpose names a field that there is not: {value}; there are {limit}."
_NO_SEARCH = "The purpose names a search field that there is not: {value}; there are {limit}."
_NO_QUESTION = "The purpose names a question that there is not: {value}; there are {limit}."


def _check_known(names: list[str], known: tuple[str, ...], sentence: str) -> None:
    for name in names:
        if name not in known:
            raise Refused("gate.bad_purpose", sentence, value=name, limit=", ".join(known))  # fmt: skip


def policy_text(name: str) -> str:
    """The shipped Cedar policies of that name."""
    return (POLICIES / f"{name}.cedar").read_text()


def as_json(basis: Basis) -> str:
    """A basis as the keeper stores it."""
    return json.dumps(asdict(basis) | {"valid_until": clock.to_text(basis.valid_until)}, ensure_ascii=False)


def from_json(text: str) -> Basis:
    """What `as_json` wrote."""
    values = json.loads(text)
    for field in fields(Basis):
        value = values.get(field.name)
        if isinstance(value, list):
            values[field.name] = tuple(tuple(each) if field.name in _TUPLES else each for each in value)
    return Basis(**values | {"valid_until": clock.from_text(values["valid_until"])})


def numbered(basis: Basis, version: int) -> Basis:
    """The same, as that version of its purpose."""
    return replace(basis, version=version)


def shipped_bases(at: datetime) -> list[Basis]:
    """The purposes that a new keeper knows; a city replaces article and expiry with its own law's.

    Source: Personal Information Protection Law of the People's Republic of China (2021), articles 13, 34, 44, 45 and
    54; Emergency Response Law (2024), article 2.
    """
    until = at + timedelta(days=365 * BASIS_YEARS)
    law, city, system = "Personal Information Protection Law", ("city",), ("system",)
    leaders = ("commander", "duty-officer", "system")
    officer = ("data-protection-officer",)
    rows = [
        Basis(
            EMERGENCY, "pipl-13-1-4", law, "Article 13(1)(4)", record.FIELDS, city,
            ("social-worker", "department-fire", "department-police"), leaders, until, 500_000,
            predicates=("lives-in",), title=(("en", "Help in an emergency"), ("zh-Hans", "应急救助")),
        ),
        Basis(
            REGISTER, "pipl-34", law, "Article 34", record.FIELDS, city, ("steward",), officer, until, 50,
            max_a_day=2_000, max_a_day_each=100, second_above=20, search=record.SEARCHED,
            services=(("city", 2_000),), title=(("en", "Keeping the register true"), ("zh-Hans", "登记维护")),
        ),
        Basis(
            CASES, "pipl-13-1-3", law, "Article 13(1)(3)", ("name", "phone", "birth_date"), city, ("case-handler",),
            ("supervisor",), until, 5_000, max_a_day=8_000, max_a_day_each=100, second_above=50,
            approvers=("supervisor", "data-protection-officer"), predicates=PREDICATES, search=("national_id",),
            services=(("city", 1_000),), title=(("en", "Handling a case"), ("zh-Hans", "办理事项")),
        ),
        Basis(
            RESIDENT, "pipl-45", law, "Article 45", record.SEARCHED, city, system, system, until, 1,
            max_a_day=1_000_000, max_a_day_each=1_000_000, search=record.SEARCHED, services=(("city", 1_000_000),),
            title=(("en", "A resident's own access"), ("zh-Hans", "居民本人查阅")),
        ),
        Basis(
            GLASS, "erl-2-glass", "Emergency Response Law", "Article 2", record.FIELDS, city,
            ("commander",), ("commander",), until, 50, max_a_day=500, max_a_day_each=100, search=record.SEARCHED,
            services=(("city", 500),), title=(("en", "Breaking the glass"), ("zh-Hans", "紧急破窗查阅")),
        ),
        Basis(
            STATUS, "pipl-13-status", law, "Article 13(1)(3)", (), city, ("case-handler", "supervisor"),
            ("supervisor",), until, 50, max_a_day=200, max_a_day_each=50, second_above=0, services=(("city", 200),),
            approvers=("supervisor", "data-protection-officer"), retention_days=30,
            title=(("en", "An adverse status"), ("zh-Hans", "不利状态")),
        ),
        Basis(
            OVERSIGHT, "pipl-54", law, "Article 54", (), city, ("data-protection-officer", "auditor"), officer, until,
            0, title=(("en", "Oversight of the gate"), ("zh-Hans", "闸门监督")),
        ),
        Basis(
            PLACES, "pipl-13-1-1-alerts", law, "Article 13(1)(1), consent", ("address", "place"), city, system, system,
            until, 4_096, retention_days=1, title=(("en", "Warning those who asked"), ("zh-Hans", "向订阅者发送预警")),
        ),
        Basis(
            REPORTS, "pipl-13-1-1-reports", law, "Article 13(1)(1), consent", ("words", "contact", "photo"), city,
            ("duty-officer", "case-handler", "social-worker", "supervisor"), ("duty-officer", "supervisor", "system"),
            until, 500, max_a_day=20_000, max_a_day_each=1_000, services=(("city", 20_000),),
            title=(("en", "Dealing with a reported problem"), ("zh-Hans", "处理问题上报")),
        ),
        Basis(
            PARTIES, "pipl-34-parties", law, "Article 34", ("party",), city, ("steward", "case-handler"),
            ("supervisor", "data-protection-officer", "system"), until, 50, max_a_day=2_000, max_a_day_each=100,
            services=(("city", 2_000),), retention_days=3_650,
            title=(
                ("en", "Who stands behind an organisation or owns a dwelling"), ("zh-Hans", "机构负责人与房屋权利人"),
            ),
        ),
        Basis(
            CORRECTIONS, "pipl-46", law, "Article 46", ("words",), city, ("steward",),
            ("supervisor", "data-protection-officer", "system"), until, 50, max_a_day=2_000, max_a_day_each=200,
            services=(("city", 2_000),), retention_days=180,
            title=(("en", "Deciding on a correction that was asked for"), ("zh-Hans", "处理更正请求")),
        ),
        Basis(
            DOCUMENTS, "pipl-13-1-3-documents", law, "Article 13(1)(3)", ("file", "photo", "words"), city,
            ("case-handler", "supervisor", "duty-officer", "social-worker", "steward", "department-water",
             "department-gas", "department-traffic", "department-police", "department-fire"),
            ("supervisor", "system"), until, 50, max_a_day=20_000, max_a_day_each=1_000,
            services=(("city", 20_000),), retention_days=3_650,
            title=(("en", "Looking at the documents of a case"), ("zh-Hans", "查阅事项材料")),
        ),
        Basis(
            APPLICATIONS, "pipl-13-1-1-applications", law, "Article 13(1)(1), consent", ("name", "phone"), city,
            ("resident",), system, until, 1, max_a_day=1_000_000, max_a_day_each=1_000_000,
            predicates=("age-at-least", "lives-in"), services=(("city", 1_000_000),),
            title=(("en", "Filling in your own application"), ("zh-Hans", "为本人填写申请")),
        ),
        Basis(
            DISPUTES, "pipl-13-1-1-mediation", law, "Article 13(1)(1), consent", ("party", "contact"), city,
            ("case-handler", "social-worker", "supervisor"), system, until, 50, max_a_day=2_000, max_a_day_each=100,
            services=(("city", 2_000),), retention_days=1_825,
            title=(("en", "Mediating between those who quarrel"), ("zh-Hans", "调解当事人之间的纠纷")),
        ),
    ]  # fmt: skip
    return [replace(row, policy=policy_text(_POLICY_OF.get(row.purpose, row.purpose))) for row in rows]
