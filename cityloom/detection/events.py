"""Facts that detection publishes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class DetectionRaised:
    """Several independent sources agree that something happened at a place."""

    detection_id: str
    category: str
    lon: float
    lat: float
    score: float
    first_signal_at: datetime
    raised_at: datetime


@dataclass(frozen=True)
class SensorFailed:
    """A sensor does not do its work; `state` says how (`silent`, `stuck`, `drifting`, `noisy`, `out_of_range`)."""

    datastream_id: int
    name: str
    kind: str
    state: str
    lon: float
    lat: float
    since: datetime


@dataclass(frozen=True)
class SensorRecovered:
    """A sensor that had failed works again."""

    datastream_id: int
    name: str
    since: datetime


@dataclass(frozen=True)
class DetectionJudged:
    """Somebody looked and said what a detection was; `duplicate_of` is "" unless it was seen before."""

    detection_id: str
    category: str
    verdict: str
    duplicate_of: str
    judged_at: datetime


@dataclass(frozen=True)
class MissNoted:
    """Something that really happened had not been detected; `source` says how it became known."""

    miss_id: str
    category: str
    source: str
    lon: float
    lat: float
    happened_at: datetime
    noted_at: datetime


@dataclass(frozen=True)
class MissWithdrawn:
    """That something had not been detected was wrong."""

    miss_id: str
    category: str
    at: datetime


@dataclass(frozen=True)
class RulesPutInForce:
    """A version of a rule pack runs from now on."""

    pack: str
    version: int
    digest: str
    rules: int
    at: datetime


@dataclass(frozen=True)
class RulesWithdrawn:
    """A rule pack runs no more."""

    pack: str
    at: datetime
