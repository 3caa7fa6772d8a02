import { describe, expect, it } from "vitest";
import { type Block, type Inline, MAX_DEPTH, parse } from "./markdown";
import { isEmojiOnly, isPlain } from "./plain";

/** The tree in short: what stands in brackets belongs to the name before it. */
function short(nodes: readonly (Block | Inline)[]): string {
  return nodes
    .map((node) => {
      switch (node.kind) {
        case "text":
          return node.text;
        case "break":
          return "↵";
        case "mention":
        case "room":
          return `${node.kind}(${node.name})`;
        case "code":
          return "language" in node ? `block(${node.language}|${node.text})` : `code(${node.text})`;
        case "link":
          return `link(${node.href}|${short(node.children)})`;
        case "list":
          return `${node.start ?? "list"}(${node.items.map(short).join(";")})`;
        default:
          return `${node.kind}(${short(node.children)})`;
      }
    })
    .join("");
}

/** What is in one paragraph. */
function line(source: string): string {
  return short(parse(source)).replace(/^paragraph\((.*)\)$/s, "$1");
}

describe("marks within a line", () => {
  it.each([
    ["plain", "plain"],
    ["**bold** *italic* ~~gone~~", "strong(bold) em(italic) del(gone)"],
    ["***both***", "strong(em(both))"],
    ["**bold *and italic* here**", "strong(bold em(and italic) here)"],
    ["2*3*4 and a * b * c", "2*3*4 and a * b * c"],
    ["*open **bold** only", "*open strong(bold) only"],
    ["a *b *c*", "a *b em(c)"],
    ["*crossed **marks* here**", "em(crossed **marks) here**"],
    ["这是**粗体**字", "这是strong(粗体)字"],
    ["** no ** ****", "** no ** ****"],
    ["~one~ ~~~three~~~", "~one~ ~~~three~~~"],
    ["snake_case_name __init__", "snake_case_name __init__"],
    ["\\*literal\\* \\a \\\\", "*literal* \\a \\"],
    ["`code *as is*`", "code(code *as is*)"],
    ["``a ` b`` `open", "code(a ` b) `open"],
    ["first\nsecond", "first↵second"],
    ["<b>not bold</b> &amp; <img src=x onerror=alert(1)>", "<b>not bold</b> &amp; <img src=x onerror=alert(1)>"],
  ])("%s", (source, tree) => expect(line(source)).toBe(tree));

  it("are all foreseen: what is called plain has none", () => {
    const pieces = [...".,:!- +1)(\n ", "a", "www", "字", "🙂", "http:", "//", "@", "*", "#", "> ", "- ", "1. ", "`"];
    for (const a of pieces) {
      for (const b of pieces) {
        for (const c of pieces) {
          const source = `${a}${b}${c}x`;
          const [block, more] = parse(source);
          const words = block?.kind === "paragraph" && block.children.every((one) => one.kind === "text" || one.kind === "break");
          if (isPlain(source)) expect([source, words, more]).toEqual([source, true, undefined]);
        }
      }
    }
    expect(isPlain("hello, world\nanother line (yes!)")).toBe(true);
  });
});

describe("links", () => {
  it.each([
    ["[docs](https://example.org/a)", "link(https://example.org/a|docs)"],
    ["[**bold** @bob](https://example.org/)", "link(https://example.org/|strong(bold) @bob)"],
    ["[x](https://en.example.org/Foo_(bar))", "link(https://en.example.org/Foo_(bar)|x)"],
    ["[a [b](https://example.org/)", "[a link(https://example.org/|b)"],
    ["[](https://example.org/) [x]( https://example.org/)", "[](link(https://example.org/|https://example.org/)) [x]( link(https://example.org/|https://example.org/))"],
    ["[x](javascript:alert(1))", "[x](javascript:alert(1))"],
    ["[x](JaVaScRiPt:alert(1)) [y](data:text/html,hi) [z](//example.org) [f](file:///etc/passwd)", "[x](JaVaScRiPt:alert(1)) [y](data:text/html,hi) [z](//example.org) [f](file:///etc/passwd)"],
    ["see https://example.org/a?b=c#d.", "see link(https://example.org/a?b=c#d|https://example.org/a?b=c#d)."],
    ["(https://example.org/a_(b)), yes", "(link(https://example.org/a_(b)|https://example.org/a_(b))), yes"],
    ["看https://example.org/路。好", "看link(https://example.org/|https://example.org/)路。好"],
    ["“https://example.org”，", "“link(https://example.org/|https://example.org)”，"],
    ["www.example.org! xhttps://example.org", "link(https://www.example.org/|www.example.org)! xhttps://example.org"],
    ["mailto:bob@example.org", "link(mailto:bob@example.org|mailto:bob@example.org)"],
    ["**https://example.org/**", "strong(link(https://example.org/|https://example.org/))"],
    ["https:// http://[ https://", "https:// http://[ https://"],
    ["https://example.org/\u202egnp.exe", "link(https://example.org/|https://example.org/)\u202egnp.exe"],
  ])("%s", (source, tree) => expect(line(source)).toBe(tree));
});

describe("names", () => {
  it.each([
    ["@alice: hi @bob.", "mention(alice): hi mention(bob)."],
    ["bob@example.org a@b", "bob@example.org a@b"],
    ["#general and #42, a#b", "room(general) and #42, a#b"],
    ["(@小明)在#聊天", "(mention(小明))在room(聊天)"],
    ["@", "@"],
    [`@${"x".repeat(100)}`, `@${"x".repeat(100)}`],
  ])("%s", (source, tree) => expect(line(source)).toBe(tree));
});

describe("blocks", () => {
  it.each([
    ["one\n\ntwo", "paragraph(one)paragraph(two)"],
    ["```ts\nlet a = *b*;\n\n  c\n```\nafter", "block(ts|let a = *b*;\n\n  c)paragraph(after)"],
    ["```\nopen", "block(|open)"],
    ["````\n```\n````", "block(|```)"],
    ["```inline```", "paragraph(code(inline))"],
    ["> quoted\n> **more**\nmine", "quote(paragraph(quoted↵strong(more)))paragraph(mine)"],
    ["> > twice", "quote(quote(paragraph(twice)))"],
    ["- one\n- two\n  - inner\n  goes on", "list(paragraph(one);paragraph(two)list(paragraph(inner))paragraph(goes on))"],
    ["3. three\n4. four\n- dot", "3(paragraph(three);paragraph(four))list(paragraph(dot))"],
    ["-no\n1.no\n- ", "paragraph(-no↵1.no↵- )"],
    ["a\r\nb\rc", "paragraph(a↵b↵c)"],
    ["", ""],
  ])("%j", (source, tree) => expect(short(parse(source))).toBe(tree));
});

describe("whatever somebody sends", () => {
  const pieces = [
    ..."*~`[]>@#\\-h:",
    ...["**a", "*a **b ~~c ", "a* ", "[a](", "](", "[a](b", "![", "`` ` ", "> ", "> > ", ">>>>>>>>", "- ", "- - ", "  - a\n", "1. "],
    ...["https://", "http://a.b/(((", "www.", "@a@", "#a#", "```\n", "````a\n", "*[`~~", "[*a](", "](https://a.b)", "[a](https://a.b)"],
    ...["a\n", "\n\n", " ", "🙂", "字", "\u202e", "***", "*a*", "**a**", "_.", ")", "https://a.b)", "https://a.b/.,"],
  ];

  function effort(source: string): number {
    const effort = { steps: 0 };
    parse(source, effort);
    return effort.steps;
  }

  it.each(pieces)("%j many times is read in steps that grow with the length alone", (piece) => {
    for (const wrap of [(text: string) => text, (text: string) => `> ${text}`, (text: string) => `*[${text}`]) {
      const small = effort(wrap(piece.repeat(Math.ceil(4_096 / piece.length))));
      const large = effort(wrap(piece.repeat(Math.ceil(65_536 / piece.length))));
      expect(large).toBeLessThan(17 * small + 200); // 16 times as long
      expect(large).toBeLessThan(70 * 65_536);
    }
  });

  function depth(nodes: readonly (Block | Inline)[]): number {
    let deepest = 0;
    for (const node of nodes) {
      if (node.kind === "list") deepest = Math.max(deepest, ...node.items.map((item) => 1 + depth(item)));
      else if ("children" in node) deepest = Math.max(deepest, 1 + depth(node.children));
    }
    return deepest;
  }

  it.each(["> ", ">", "- ", "> - ", "*a **b ~~c [", "1. "])("%j is not nested without end", (piece) => {
    expect(depth(parse(piece.repeat(30_000) + "x"))).toBeLessThanOrEqual(MAX_DEPTH + 6);
  });

  it("keeps every character of what has no marks", () => {
    const odd = "a\u202eb\u200bc\u0000d & <script>alert(1)</script> 👩‍👩‍👧 \ud800";
    expect(line(odd)).toBe(odd);
  });
});

it.each([
  ["👍", true],
  ["👍🏽 🎉", true],
  ["👩‍👩‍👧‍👦🏳️‍🌈🇨🇳1️⃣", true],
  ["❤️", true],
  ["12", false],
  ["👍 ok", false],
  ["", false],
  ["🎉".repeat(10), false],
])("%s are emoji alone: %s", (source, alone) => expect(isEmojiOnly(source)).toBe(alone));
