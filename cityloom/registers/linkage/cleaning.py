"""Records of several tables become one table of cleaned columns and their parts, in DuckDB's memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cityloom.registers.domain import linkage_addresses, linkage_sound
from cityloom.registers.domain.linkage_config import Config
from cityloom.registers.linkage.address_parts import Addresses

if TYPE_CHECKING:
    import duckdb

Columns = Mapping[str, Sequence[str | None]]
"""Columns of equal length by name; a pyarrow.Table is taken, too."""
_FULL = "０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ（）－　"
_HALF = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ()- "
_HAN = r"\x{3400}-\x{9fff}"
_COMPOUND = ", ".join(f"'{name}'" for name in linkage_sound.COMPOUND)
_ADDRESS_PARTS = ("house_number", "street", "address")
_LEGAL = (
    "股份有限公司|有限责任公司|有限公司|责任公司|分公司|总公司|集团|公司|个体工商户|合伙企业|有限合伙"
)  # fmt: skip
_LEGAL_LATIN = (
    "limited|ltd|incorporated|inc|llc|llp|lp|plc|corporation|corp|company|co|gmbh|ag|sa|sas|sarl|srl|spa|bv|nv|oy|ab|as|"
    "kg|the|and|of|group|holdings?|pty|pvt|private"
)


def column(part: str) -> str:
    """The name of a part of a column in the table: `surname.sound` is `surname__sound`."""
    return part.replace(".", "__")


def register(
    con: duckdb.DuckDBPyConnection, tables: Mapping[str, Columns], config: Config, addresses: Addresses | None = None
) -> frozenset[str]:  # fmt: skip
    """Make the table `record`; return the parts that have values.

    `uid` counts the records of all tables, `tbl` is the place of the record's table and `row_no` its row in it.
    """
    names = _raw(con, tables, config)
    parsed = _parsed(con, names, config, addresses or Addresses())
    once = [*_sounds(con, names, config), *_days(con, names, config)]
    pieces = dict(_pieces(names, config)) | {
        f"{name}.{part}": f"once_{name}.{part}" for name in parsed for part in linkage_addresses.PARTS
    }
    joins = " ".join([f"LEFT JOIN once_{name} ON once_{name}.raw = raw.{name}" for name in once]
                     + [f"LEFT JOIN once_{name} ON once_{name}.raw = raw.{name}__text" for name in parsed])  # fmt: skip
    chosen = ", ".join(f"{sql} AS {column(part)}" for part, sql in pieces.items())
    comma = ", " if chosen else ""
    clean = "".join(f", {sql} AS {name}__clean" for name, sql in _clean_addresses(names, config))
    clean += "".join(f", {sql} AS {name}__text" for name, sql in parsed.items())
    con.execute(f"CREATE TABLE record AS SELECT uid, tbl, row_no{comma}{chosen} "
                f"FROM (SELECT *{clean} FROM raw) AS raw {joins}")  # fmt: skip
    for table in ("raw", *(f"once_{name}" for name in (*once, *parsed))):
        con.execute(f"DROP TABLE {table}")
    for name, kind in config.columns.items():
        if kind == "organisation" and name in pieces:
            _add_rarest_word(con, name)
            pieces[f"{name}.rare"] = ""
    return _filled(con, pieces)


def _raw(con: duckdb.DuckDBPyConnection, tables: Mapping[str, Columns], config: Config) -> frozenset[str]:
    """All tables below each other as texts; the columns that any of them has."""
    import pyarrow as pa

    wanted = [name for name in config.columns if any(name in _names(table) for table in tables.values())]
    parts, first = [], 0
    for place, table in enumerate(tables.values()):
        rows = table.num_rows if isinstance(table, pa.Table) else len(next(iter(table.values()), ()))
        columns: dict[str, Any] = {"uid": np.arange(first, first + rows), "row_no": np.arange(rows),
                                   "tbl": np.full(rows, place, np.int32)}  # fmt: skip
        for name in wanted:
            columns[name] = _texts(table, name, rows)
        parts.append(pa.table(columns))
        first += rows
    whole = pa.concat_tables(parts)
    con.register("incoming", whole)
    con.execute("CREATE TABLE raw AS SELECT * FROM incoming")
    con.unregister("incoming")
    _split_names(con, wanted, config)
    made = {name for name in wanted if config.columns[name] != "full-name"}
    return frozenset(made | ({"surname", "given_name"} if _full(wanted, config) else set()))


def _names(table: Any) -> Sequence[str]:
    return table.column_names if hasattr(table, "column_names") else tuple(table)


def _texts(table: Any, name: str, rows: int) -> Any:
    import pyarrow as pa

    if name not in _names(table):
        return pa.nulls(rows, pa.string())
    values = table[name]
    if isinstance(values, pa.ChunkedArray | pa.Array):
        return values.cast(pa.string())
    return pa.array(values, pa.string())


def _full(wanted: Sequence[str], config: Config) -> str:
    return next((name for name in wanted if config.columns[name] == "full-name"), "")


def _split_names(con: duckdb.DuckDBPyConnection, wanted: Sequence[str], config: Config) -> None:
    """Fill surname and given name from a full name: Chinese surname first, before a comma, or last."""
    name = _full(wanted, config)
    if not name:
        return
    for made in ("surname", "given_name"):
        if made not in wanted:
            con.execute(f"ALTER TABLE raw ADD COLUMN {made} VARCHAR")
    whole = f"trim({name})"
    han = f"regexp_full_match({whole}, '[{_HAN}·]{{2,}}')"
    signs = f"(CASE WHEN left({whole}, 2) IN ({_COMPOUND}) AND length({whole}) > 2 THEN 2 ELSE 1 END)"
    comma = f"contains({whole}, ',')"
    con.execute(f"""UPDATE raw SET
        surname = CASE WHEN {han} THEN left({whole}, {signs}) WHEN {comma} THEN split_part({whole}, ',', 1)
                  ELSE regexp_extract({whole}, '(\\S+)$', 1) END,
        given_name = CASE WHEN {han} THEN substr({whole}, {signs} + 1) WHEN {comma} THEN split_part({whole}, ',', 2)
                  ELSE regexp_extract({whole}, '^(.*\\S)\\s+\\S+$', 1) END
        WHERE coalesce(surname, '') = '' AND coalesce(given_name, '') = '' AND {whole} <> ''""")


def _named(names: frozenset[str], config: Config) -> list[str]:
    return [name for name in sorted(names) if config.columns.get(name) in ("name", "organisation")]


def _folded(name: str) -> str:
    return f"nullif(regexp_replace({_fold(name)}, '[^\\pL]', '', 'g'), '')"


def _half(name: str) -> str:
    """Signs of full width as plain ones; texts of plain signs alone, as most are, are not looked through."""
    return f"(CASE WHEN strlen({name}) = length({name}) THEN {name} ELSE translate({name}, '{_FULL}', '{_HALF}') END)"


def _fold(name: str) -> str:
    return f"lower(strip_accents({_half(name)}))"


def _sounds(con: duckdb.DuckDBPyConnection, names: frozenset[str], config: Config) -> list[str]:
    """For each different name its letters and sound, worked out once; the columns that have them."""
    import pyarrow as pa

    named = _named(names, config)
    for name in named:
        found = con.sql(f"SELECT DISTINCT {name} AS raw, {_folded(name)} AS v FROM raw WHERE v IS NOT NULL")
        raw, values = found.to_arrow_table().columns
        different = values.unique().to_pylist()
        in_letters = [linkage_sound.letters(value, surname=name == "surname") for value in different]
        at = pa.compute.index_in(values, pa.array(different, pa.string()))
        table = pa.table({
            "raw": raw, "v": values, "l": pa.array(in_letters, pa.string()).take(at),
            "s": pa.array([linkage_sound.sound(one) for one in in_letters], pa.string()).take(at),
        })  # fmt: skip
        _keep(con, f"once_{name}", table)
    return named


def _keep(con: duckdb.DuckDBPyConnection, name: str, table: Any) -> None:
    con.register("incoming", table)
    con.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
    con.unregister("incoming")


def _days(con: duckdb.DuckDBPyConnection, names: frozenset[str], config: Config) -> list[str]:
    """For each different day its parts, worked out once: there are fewer days than people."""
    days = [name for name in sorted(names) if config.columns.get(name) == "day"]
    for name in days:
        parts = ", ".join(f"{sql} AS {column(part)}" for part, sql in _parts_of_day(name))
        con.execute(f"CREATE TABLE once_{name} AS SELECT {name} AS raw, {parts} "
                    f"FROM (SELECT DISTINCT {name} FROM raw WHERE {name} IS NOT NULL)")  # fmt: skip
    return days


def _pieces(names: frozenset[str], config: Config) -> Iterator[tuple[str, str]]:
    """Each part of a column and the SQL that makes it of the raw columns."""
    addresses = {name for name, _sql in _clean_addresses(names, config)}
    for name, kind in config.columns.items():
        if name in addresses:
            yield from _address(name)
        elif name in names:
            yield from _PIECES[kind](name, name)
    if {"surname", "given_name"} <= names:
        both = "once_surname.l, once_given_name.l"
        yield "names", f"CASE WHEN once_surname.l <> '' THEN least({both}) || ' ' || greatest({both}) END"


def _name(name: str, _raw: str) -> Iterator[tuple[str, str]]:
    other = {"surname": "given_name", "given_name": "surname"}.get(name, name)
    yield name, f"once_{name}.l"
    yield f"{name}.sound", f"nullif(once_{name}.s, '')"
    yield f"{name}.start", f"nullif(left(once_{name}.s, 1), '')"
    yield f"{name}.other", f"once_{other}.l"
    yield f"{name}.han", f"CASE WHEN regexp_matches(once_{name}.v, '[{_HAN}]') THEN once_{name}.v END"


def _day(name: str, _raw: str) -> Iterator[tuple[str, str]]:
    return ((part, f"once_{name}.{column(part)}") for part, _sql in _parts_of_day(name))


def _parts_of_day(name: str) -> Iterator[tuple[str, str]]:
    year_first = f"regexp_extract({name}, '^\\s*(\\d{{4}})[-/.年]?(\\d{{1,2}})[-/.月]?(\\d{{1,2}})', ['y', 'm', 'd'])"
    year_last = f"regexp_extract({name}, '^\\s*(\\d{{1,2}})[-/. ](\\d{{1,2}})[-/. ](\\d{{4}})', ['d', 'm', 'y'])"
    whole = (
        f"coalesce(nullif({year_first}.y || lpad({year_first}.m, 2, '0') || lpad({year_first}.d, 2, '0'), '0000'), "
        f"nullif({year_last}.y || lpad({year_last}.m, 2, '0') || lpad({year_last}.d, 2, '0'), '0000'))"
    )
    yield name, whole
    yield f"{name}.year", f"coalesce(left({whole}, 4), nullif(regexp_extract({name}, '^\\s*(\\d{{4}})\\b', 1), ''))"
    yield f"{name}.monthday", f"right({whole}, 4)"
    yield f"{name}.digits", f"left({whole}, 4) || array_to_string(list_sort(string_split(right({whole}, 4), '')), '')"


def _number(name: str, raw: str) -> Iterator[tuple[str, str]]:
    yield name, f"nullif(regexp_replace(upper({_half(raw)}), '[^0-9A-Z]', '', 'g'), '')"


def _phone(name: str, raw: str) -> Iterator[tuple[str, str]]:
    digits = f"regexp_replace({_half(raw)}, '[^0-9]', '', 'g')"
    yield name, f"CASE WHEN length({digits}) >= 6 THEN right({digits}, 9) END"


def _email(name: str, raw: str) -> Iterator[tuple[str, str]]:
    yield name, f"nullif(lower(trim({raw})), '')"
    yield f"{name}.user", f"nullif(regexp_replace(split_part(lower({raw}), '@', 1), '[^a-z0-9]', '', 'g'), '')"


def _word(name: str, raw: str) -> Iterator[tuple[str, str]]:
    yield name, f"nullif(regexp_replace({_fold(raw)}, '[^\\pL\\pN]', '', 'g'), '')"


def _clean_addresses(names: frozenset[str], config: Config) -> Iterator[tuple[str, str]]:
    """Each column of addresses and the SQL of its words and numbers in small letters, apart by one space."""
    for name, text in _address_texts(names, config):
        yield name, _clean(text)


def _address_texts(names: frozenset[str], config: Config) -> Iterator[tuple[str, str]]:
    pieces = [name for name in _ADDRESS_PARTS if name in names and name in config.columns]
    for name, kind in config.columns.items():
        if name == "address" and pieces:
            joined = ", ".join(f"nullif({one}, '')" for one in pieces)
            yield name, f"concat_ws(' ', {joined})"
        elif name in names and kind == "address":
            yield name, name


def _parsed(
    con: duckdb.DuckDBPyConnection, names: frozenset[str], config: Config, addresses: Addresses
) -> dict[str, str]:  # fmt: skip
    """For each different address its parts, worked out once; the columns that have them, and the SQL of their texts."""
    texts = {name: sql for name, sql in _address_texts(names, config) if name in config.parsed.columns}
    for name, sql in texts.items():
        found = con.execute(f"SELECT DISTINCT {sql} AS t FROM raw WHERE t <> '' ORDER BY t").fetchall()
        _keep(con, f"once_{name}", addresses.table([text for (text,) in found], config.parsed))
    return texts


def _clean(raw: str) -> str:
    folded = _fold(raw)
    city = f"regexp_replace({folded}, '^\\s*([{_HAN}]{{2,3}}(省|自治区))?([{_HAN}]{{2,3}}市)?', '')"
    short = f"(CASE WHEN strlen({folded}) = length({folded}) THEN {folded} ELSE {city} END)"
    signs = f"trim(regexp_replace({short}, '[^\\pL\\pN]+', ' ', 'g'))"
    # most are clean, and to see that takes a third of the time of cleaning
    return f"CASE WHEN regexp_full_match({folded}, '[a-z0-9]+( [a-z0-9]+)*') THEN {folded} ELSE {signs} END"


def _address(name: str) -> Iterator[tuple[str, str]]:
    clean = f"{name}__clean"
    yield name, f"nullif({clean}, '')"
    yield f"{name}.numbers", f"nullif(array_to_string(regexp_extract_all({clean}, '\\d+'), ' '), '')"
    yield f"{name}.words", f"nullif(trim(regexp_replace({clean}, '[\\d ]+', ' ', 'g')), '')"


def _organisation(name: str, raw: str) -> Iterator[tuple[str, str]]:
    folded = _fold(raw)
    bare = f"regexp_replace({folded}, '[(（【\\[].*?[)）】\\]]', ' ', 'g')"
    placed = f"regexp_replace({bare}, '^\\s*([{_HAN}]{{2,3}}省)?([{_HAN}]{{2,3}}市)?([{_HAN}]{{1,3}}区)?', '')"
    signs = f"regexp_replace(replace({placed}, '.', ''), '[^\\pL\\pN]+', ' ', 'g')"
    core = f"regexp_replace({signs}, '({_LEGAL})|\\b({_LEGAL_LATIN})\\b', ' ', 'g')"
    core = f"trim(regexp_replace({core}, '\\s+', ' ', 'g'))"
    joined = f"replace({core}, ' ', '')"
    grams = f"list_transform(range(1, length({joined})), lambda i: substr({joined}, i, 2))"
    yield name, f"nullif(trim({signs}), '')"
    yield f"{name}.core", f"nullif({joined}, '')"
    few = f"CASE WHEN regexp_matches({joined}, '[{_HAN}]') THEN 2 ELSE 5 END"
    yield f"{name}.start", f"nullif(left({joined}, {few}), '')"
    yield f"{name}.end", f"nullif(right({joined}, {few}), '')"
    yield f"{name}.sound", f"nullif(once_{name}.s, '')"
    yield f"{name}.words", (f"CASE WHEN regexp_matches({joined}, '[{_HAN}]') THEN {grams} "
                            f"WHEN {core} <> '' THEN list_distinct(string_split({core}, ' ')) END")  # fmt: skip


_PIECES: dict[str, Callable[[str, str], Iterator[tuple[str, str]]]] = {
    "name": _name, "day": _day, "number": _number, "phone": _phone, "email": _email, "word": _word,
    "organisation": _organisation,
}  # fmt: skip


def _add_rarest_word(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """The word of a name that fewest others have, if any other has it."""
    words = column(f"{name}.words")
    con.execute(f"""CREATE TABLE word AS SELECT w, count(*) AS n
        FROM (SELECT unnest({words}) AS w FROM record) GROUP BY w HAVING n > 1""")
    con.execute(f"""CREATE TABLE rarest AS SELECT uid, arg_min(w, n) AS w
        FROM (SELECT uid, unnest({words}) AS w FROM record) JOIN word USING (w) GROUP BY uid""")
    con.execute(f"""CREATE OR REPLACE TABLE record AS
        SELECT record.*, rarest.w AS {column(f"{name}.rare")} FROM record LEFT JOIN rarest USING (uid) ORDER BY uid""")
    con.execute("DROP TABLE word")
    con.execute("DROP TABLE rarest")


def _filled(con: duckdb.DuckDBPyConnection, pieces: Mapping[str, str]) -> frozenset[str]:
    if not pieces:
        return frozenset()
    counted = ", ".join(f"count({column(part)})" for part in pieces)
    counts = con.execute(f"SELECT {counted} FROM record").fetchall()[0]
    return frozenset(part for part, count in zip(pieces, counts, strict=True) if count)
