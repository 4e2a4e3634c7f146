// Check a bundle of log entries in the browser: nothing is sent anywhere. The same rules as cityloom/keeper/verifier.py.
"use strict";
(() => {
  const COMMITMENT = "cityloom leaf v1\n";
  const LOG_KEY = 1, WITNESS_KEY = 4;
  const MOST = { entries: 100000, note: 65536, signatures: 64, leaf: 65536, proof: 63, file: 256 * 1024 * 1024 };
  const PARTS = ["checkpoint", "entries", "format", "key", "made_at", "notice", "origin", "version"];

  // [English, Chinese]; {n} is a number. Codes are those of verifier.py.
  const SENTENCES = {
    "key.malformed": ["The key is not a verifier key of the form name+id+key; copy it whole.", "密钥不是“名称+编号+密钥”形式的验证密钥；请完整复制。"],
    "key.wrong_kind": ["The key is of another kind: a log's begins with 1, a witness's with 4.", "密钥的种类不对：日志的密钥与见证人的密钥不能互换。"],
    "key.mistyped": ["The key's three parts do not belong together; copy it again.", "密钥的三个部分不相符；请重新复制。"],
    "note.too_large": ["The checkpoint is too long.", "检查点过长。"],
    "note.malformed": ["The checkpoint is not a signed note: text, an empty line, signatures.", "检查点不是签名文本：正文、空行、签名。"],
    "note.too_many": ["The checkpoint has too many signatures.", "检查点的签名过多。"],
    "note.bad_signature": ["A signature does not fit the checkpoint.", "有一个签名与检查点不符。"],
    "checkpoint.malformed": ["The checkpoint does not have the lines origin, size and root.", "检查点缺少来源、大小或根值。"],
    "checkpoint.other_log": ["The checkpoint is of another log than the key that you gave.", "检查点属于另一份日志，与您给出的密钥不符。"],
    "checkpoint.unsigned": ["The checkpoint is not signed by the key that you gave.", "检查点没有用您给出的密钥签名。"],
    "bundle.malformed": ["The file is not a bundle of Cityloom's log, or a part of it is missing.", "这个文件不是 Cityloom 日志的证明文件，或缺少某个部分。"],
    "bundle.version": ["The bundle is of a version that this verifier does not know; get a newer one.", "此验证程序不认识这个版本的证明文件；请取得较新的程序。"],
    "bundle.other_log": ["The bundle names another log than its checkpoint.", "证明文件所称的日志与其检查点不同。"],
    "bundle.unwitnessed": ["Not all of the witnesses that you gave have cosigned the checkpoint.", "您给出的见证人没有全部会签这个检查点。"],
    "bundle.twice": ["The bundle names a place in the log twice.", "证明文件两次指向日志中的同一位置。"],
    "bundle.too_large": ["The file is too large.", "文件过大。"],
    "entry.malformed": ["Entry {n} of the bundle is malformed.", "第 {n} 条记录的格式不对。"],
    "entry.not_canonical": ["The text of entry {n} is not in canonical form.", "第 {n} 条记录的文本不是规范形式。"],
    "entry.not_in_log": ["Entry {n} of the bundle is not what the log holds at its place.", "第 {n} 条记录与日志中该位置的内容不符。"],
    "browser.old": ["This browser cannot check Ed25519 signatures; use a newer one, or the program verifier.py.", "此浏览器不能核对 Ed25519 签名；请换用较新的浏览器，或使用 verifier.py 程序。"],
  };
  const WORDS = {
    title: ["Check a bundle of log entries", "核对日志证明文件"],
    intro: ["Everything happens in this browser; nothing is sent anywhere, and it works without a network.", "一切都在本浏览器内进行；不向任何地方发送数据，断网也可使用。"],
    file: ["The bundle", "证明文件"],
    key: ["The log's key", "日志的密钥"],
    here: ["Your entries are fetched from this city and checked in this browser, with the key that you enter; the key is sent nowhere.", "您的记录从本市取回，在本浏览器内用您输入的密钥核对；密钥不会发送到任何地方。"],
    hint: ["Take the key from a place that is not the server that gave you the bundle: a notice board, a newspaper, a neighbouring city. The key inside the bundle is not used.", "请从给您文件的服务器以外的地方取得密钥：公告栏、报纸、邻近城市。不使用文件中的密钥。"],
    witnesses: ["Keys of witnesses, one a line (if you have any)", "见证人的密钥，每行一个（如有）"],
    check: ["Check", "核对"],
    yes: ["It verifies: {n} entries stand in this log.", "核对无误：{n} 条记录确在这份日志中。"],
    no: ["It does not verify.", "核对不符。"],
    log: ["Log", "日志"], size: ["Entries in the log", "日志条目数"], root: ["Root", "根值"],
    cosigned: ["Cosigned by", "会签"],
    unseen: ["No witness was named, so the city may have shown others another log.", "没有指定见证人，因此城市可能向他人出示过另一份日志。"],
    at: ["When", "时间"], kind: ["What", "事项"], purpose: ["Purpose", "目的"], article: ["Legal basis", "法律依据"],
    unit: ["Unit", "单位"], role: ["Role", "角色"], fields: ["Fields", "字段"], index: ["Place", "位置"],
    keep: ["Keep this page as one file, to use it without this server", "把本页存为一个文件，离线使用"],
    other: ["中文", "English"],
  };

  class Invalid extends Error {
    constructor(code, number) { super(SENTENCES[code][0].replace("{n}", number)); this.code = code; this.number = number; }
  }
  const demand = (held, code, number) => { if (!held) throw new Invalid(code, number); };
  const encoder = new TextEncoder();
  const subtle = () => globalThis.crypto && globalThis.crypto.subtle;
  const sha256 = async (bytes) => new Uint8Array(await subtle().digest("SHA-256", bytes));

  function joined(...parts) {
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) { whole.set(part, at); at += part.length; }
    return whole;
  }
  const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const unhex = (text) => Uint8Array.from(text.match(/../g) || [], (pair) => parseInt(pair, 16));
  function unbase64(text, code, number) {
    demand(typeof text === "string" && /^[A-Za-z0-9+/]*={0,2}$/.test(text), code, number);
    let raw;
    try { raw = atob(text); } catch { throw new Invalid(code, number); }
    demand(btoa(raw) === text, code, number);
    return Uint8Array.from(raw, (sign) => sign.charCodeAt(0));
  }
  const isName = (name) => name.length > 0 && name.length <= 255 && !/[+\s]/u.test(name);

  async function readKey(vkey, kind) {
    const [name, id, ...rest] = vkey.trim().split("+");
    demand(id !== undefined && rest.length > 0, "key.malformed");
    const raw = unbase64(rest.join("+"), "key.malformed");
    demand(isName(name) && /^[0-9a-f]{8}$/.test(id) && raw.length === 33, "key.malformed");
    demand(raw[0] === kind, "key.wrong_kind");
    const digest = await sha256(joined(encoder.encode(name + "\n"), raw));
    demand(hex(digest.slice(0, 4)) === id, "key.mistyped");
    return { name, id: digest.slice(0, 4), kind, raw: raw.slice(1) };
  }

  function splitNote(note) {
    demand(encoder.encode(note).length <= MOST.note, "note.too_large");
    const end = note.lastIndexOf("\n\n");
    demand(end >= 0 && note.endsWith("\n") && end + 2 < note.length, "note.malformed");
    for (const sign of note) demand(sign === "\n" || sign.codePointAt(0) >= 32, "note.malformed");
    const lines = note.slice(end + 2, -1).split("\n");
    demand(lines.length <= MOST.signatures, "note.too_many");
    const signatures = lines.map((line) => {
      const found = /^\u2014 ([^ ]+) ([^ ]+)$/.exec(line);
      demand(found && isName(found[1]), "note.malformed");
      const raw = unbase64(found[2], "note.malformed");
      demand(raw.length >= 5, "note.malformed");
      return { name: found[1], raw };
    });
    return { text: note.slice(0, end + 1), signatures };
  }

  async function signedBy(note, key) {
    const { text, signatures } = splitNote(note);
    let found = null;
    for (const { name, raw } of signatures) {
      if (name === key.name && same(raw.slice(0, 4), key.id)) found = await checked(text, raw.slice(4), key);
    }
    return found;
  }

  async function checked(text, signature, key) {
    let message = text, time = 0n;
    if (key.kind === WITNESS_KEY) {
      demand(signature.length === 72, "note.bad_signature");
      time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
      demand(time > 0n && time < 1n << 63n, "note.bad_signature");
      message = `cosignature/v1\ntime ${time}\n${text}`;
      signature = signature.slice(8);
    }
    let publicKey;
    try {
      publicKey = await subtle().importKey("raw", key.raw, { name: "Ed25519" }, false, ["verify"]);
    } catch (error) {
      throw new Invalid(error.name === "NotSupportedError" ? "browser.old" : "note.bad_signature");
    }
    demand(await subtle().verify({ name: "Ed25519" }, publicKey, signature, encoder.encode(message)), "note.bad_signature");
    return Number(time);
  }

  function readCheckpoint(text) {
    const lines = text.split("\n");
    demand(lines.length >= 4 && lines.pop() === "" && lines.every((line) => line), "checkpoint.malformed");
    demand(/^(0|[1-9][0-9]{0,15})$/.test(lines[1]) && Number.isSafeInteger(Number(lines[1])), "checkpoint.malformed");
    const root = unbase64(lines[2], "checkpoint.malformed");
    demand(root.length === 32, "checkpoint.malformed");
    return { origin: lines[0], size: Number(lines[1]), root };
  }

  async function openCheckpoint(note, key) {
    const checkpoint = readCheckpoint(splitNote(note).text);
    demand(checkpoint.origin === key.name, "checkpoint.other_log");
    demand((await signedBy(note, key)) !== null, "checkpoint.unsigned");
    return checkpoint;
  }

  // RFC 9162, section 2.1.3.2; plain division, since a place in the log may be larger than 32 bits.
  async function rootFrom(entry, index, size, proof) {
    if (index >= size) return null;
    const half = (number) => Math.floor(number / 2);
    let place = index, last = size - 1, node = await sha256(joined([0], entry));
    for (const sibling of proof) {
      if (last === 0) return null;
      if (place % 2 === 1 || place === last) {
        node = await sha256(joined([1], sibling, node));
        while (place > 0 && place % 2 === 0) { place = half(place); last = half(last); }
      } else {
        node = await sha256(joined([1], node, sibling));
      }
      place = half(place); last = half(last);
    }
    return last === 0 ? node : null;
  }

  function canonical(value) {
    if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
    if (value === null || typeof value !== "object") return JSON.stringify(value);
    return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
  }

  function readLeaf(text, number) {
    let body = null;
    try { body = text.length <= MOST.leaf ? JSON.parse(text) : null; } catch { body = null; }
    const plain = body !== null && typeof body === "object" && !Array.isArray(body);
    const lone = /\p{Surrogate}|\\ud[89a-f]/iu; // half a character, as it is or escaped: JSON.stringify would keep it
    demand(plain && canonical(body) === text && !lone.test(text.replaceAll("\\\\", "")), "entry.not_canonical", number);
    return body;
  }

  async function readEntry(entry, number, checkpoint) {
    const shaped = entry !== null && typeof entry === "object" && Object.keys(entry).sort().join() === "index,leaf,proof,salt"
      && Number.isSafeInteger(entry.index) && entry.index >= 0 && typeof entry.leaf === "string"
      && /^[0-9a-f]{32}$/.test(entry.salt) && Array.isArray(entry.proof) && entry.proof.length <= MOST.proof;
    demand(shaped, "entry.malformed", number);
    const proof = entry.proof.map((each) => unbase64(each, "entry.malformed", number));
    demand(proof.every((each) => each.length === 32), "entry.malformed", number);
    const leaf = readLeaf(entry.leaf, number);
    const held = await sha256(joined(encoder.encode(COMMITMENT), unhex(entry.salt), encoder.encode(entry.leaf)));
    const root = await rootFrom(held, entry.index, checkpoint.size, proof);
    demand(root !== null && same(root, checkpoint.root), "entry.not_in_log", number);
    return { index: entry.index, leaf };
  }

  async function verifyBundle(bundle, vkey, witnessKeys = []) {
    demand(subtle(), "browser.old");
    const key = await readKey(vkey, LOG_KEY);
    const witnesses = await Promise.all(witnessKeys.map((each) => readKey(each, WITNESS_KEY)));
    demand(bundle !== null && typeof bundle === "object" && bundle.format === "cityloom-bundle", "bundle.malformed");
    demand(bundle.version === 1, "bundle.version");
    const texts = PARTS.filter((name) => name !== "entries" && name !== "version");
    demand(Object.keys(bundle).sort().join() === PARTS.join(), "bundle.malformed");
    demand(texts.every((name) => typeof bundle[name] === "string"), "bundle.malformed");
    const checkpoint = await openCheckpoint(bundle.checkpoint, key);
    demand(bundle.origin === checkpoint.origin, "bundle.other_log");
    const cosigned = [];
    for (const witness of witnesses) {
      const time = await signedBy(bundle.checkpoint, witness);
      demand(time !== null, "bundle.unwitnessed");
      cosigned.push({ witness: witness.name, time });
    }
    demand(Array.isArray(bundle.entries) && bundle.entries.length <= MOST.entries, "bundle.malformed");
    const entries = [];
    for (const entry of bundle.entries) entries.push(await readEntry(entry, entries.length + 1, checkpoint));
    demand(new Set(entries.map((entry) => entry.index)).size === entries.length, "bundle.twice");
    return { checkpoint, cosigned, entries };
  }

  function show(place) {
    let language = document.documentElement.lang.startsWith("zh") || (place.dataset.alone && navigator.language.startsWith("zh")) ? 1 : 0;
    const say = (words, number) => words[language].replace("{n}", number);
    const make = (tag, text, more = {}) => Object.assign(document.createElement(tag), { textContent: text }, more);

    function draw() {
      document.documentElement.lang = language ? "zh-Hans" : "en";
      place.replaceChildren();
      const here = place.dataset.bundle; // an address: the bundle of whoever is signed in
      const file = make("input", "", { type: "file", accept: ".json,application/json", id: "bundle" });
      const key = make("textarea", "", { id: "key", rows: 3, spellcheck: false, required: true });
      const witnesses = make("textarea", "", { id: "witnesses", rows: 2, spellcheck: false });
      const button = make("button", say(WORDS.check), { type: "button" });
      const result = make("div", "");
      result.setAttribute("role", "status");
      button.addEventListener("click", async () => {
        result.replaceChildren();
        result.append(await checkedFile(here ? await globalThis.cityloomBundle(here) : file.files[0], key.value, witnesses.value.split("\n").filter((line) => line.trim())));
      });
      const label = (text, name) => make("label", text, { htmlFor: name });
      if (!here) place.append(make("h1", say(WORDS.title)));
      if (place.dataset.alone) {
        const other = make("button", say(WORDS.other), { type: "button" });
        other.addEventListener("click", () => { language = 1 - language; draw(); });
        place.append(other);
      }
      if (here) place.append(make("p", say(WORDS.here)));
      else place.append(make("p", say(WORDS.intro)), label(say(WORDS.file), "bundle"), file);
      place.append(label(say(WORDS.key), "key"),
        make("p", say(WORDS.hint), { className: "hint" }), key, label(say(WORDS.witnesses), "witnesses"), witnesses,
        make("p", ""), button, result);
      if (place.dataset.keep) {
        const keep = make("p", "");
        keep.append(make("a", say(WORDS.keep), { href: place.dataset.keep }));
        place.append(keep);
      }
    }

    async function checkedFile(file, key, witnesses) {
      try {
        demand(file, "bundle.malformed");
        demand(file.size <= MOST.file, "bundle.too_large");
        let bundle;
        try { bundle = JSON.parse(await file.text()); } catch { throw new Invalid("bundle.malformed"); }
        return proved(await verifyBundle(bundle, key, witnesses));
      } catch (error) {
        if (!(error instanceof Invalid)) throw error;
        const no = make("div", "", { className: "no" });
        no.append(make(place.dataset.bundle ? "h3" : "h2", say(WORDS.no)), make("p", say(SENTENCES[error.code], error.number)));
        return no;
      }
    }

    function proved({ checkpoint, cosigned, entries }) {
      const yes = make("div", "", { className: "yes" });
      yes.append(make(place.dataset.bundle ? "h3" : "h2", say(WORDS.yes, entries.length)));
      const facts = [[WORDS.log, checkpoint.origin], [WORDS.size, checkpoint.size], [WORDS.root, hex(checkpoint.root)]];
      for (const { witness, time } of cosigned) facts.push([WORDS.cosigned, `${witness}, ${new Date(time * 1000).toISOString()}`]);
      for (const [name, value] of facts) yes.append(make("p", `${say(name)}: ${value}`));
      if (!cosigned.length) yes.append(make("p", say(WORDS.unseen)));
      const names = ["at", "kind", "purpose", "article", "unit", "role", "fields"];
      const table = make("table", ""), head = table.createTHead().insertRow(), rows = table.createTBody();
      for (const name of ["index", ...names]) head.append(make("th", say(WORDS[name]), { scope: "col" }));
      for (const { index, leaf } of entries) {
        const row = rows.insertRow();
        for (const name of ["index", ...names]) {
          const value = name === "index" ? index : leaf[name];
          const cell = make("td", Array.isArray(value) ? value.join(", ") : String(value ?? ""));
          cell.dataset.name = say(WORDS[name]);
          row.append(cell);
        }
      }
      yes.append(table);
      return yes;
    }
    draw();
  }

  if (typeof module !== "undefined") module.exports = { verifyBundle, Invalid, SENTENCES, WORDS };
  else show(document.getElementById("verify"));
})();
