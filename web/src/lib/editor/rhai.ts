// Rhai for CodeMirror: what is a keyword, a text, a number or a comment. The
// server compiles; this only colours.
import { StreamLanguage, type StreamParser, type StringStream } from '@codemirror/language';

const words = (text: string) => new Set(text.split(' '));
const keywords = words('let const if else switch do while until loop for in fn private return break continue throw try catch import export as global');
const atoms = words('true false this');

// State is what a line begins in: block comments nest, and a template's
// expressions hold blocks and templates of their own.
type State = { comment: number; inside: ('template' | 'block')[] };

function comment(stream: StringStream, state: State): string {
  while (!stream.eol() && state.comment > 0) {
    if (stream.match('/*')) state.comment++;
    else if (stream.match('*/')) state.comment--;
    else stream.next();
  }
  return 'comment';
}

function template(stream: StringStream, state: State): string {
  while (!stream.eol()) {
    if (stream.match('``')) continue;
    if (stream.match('${', false)) {
      if (stream.pos > stream.start) return 'string';
      stream.match('${');
      state.inside.push('block');
      return 'bracket';
    }
    if (stream.next() === '`') {
      state.inside.pop();
      break;
    }
  }
  return 'string';
}

function quoted(stream: StringStream, quote: string): string {
  for (let c = stream.next(); c && c !== quote; c = stream.next()) if (c === '\\') stream.next();
  return 'string';
}

export const parser: StreamParser<State> = {
  name: 'rhai',
  startState: () => ({ comment: 0, inside: [] }),
  copyState: ({ comment, inside }) => ({ comment, inside: [...inside] }),
  token(stream, state) {
    if (state.comment) return comment(stream, state);
    if (state.inside.at(-1) === 'template') return template(stream, state);
    if (stream.eatSpace()) return null;
    if (stream.match('//')) {
      stream.skipToEnd();
      return 'comment';
    }
    if (stream.match('/*')) {
      state.comment = 1;
      return comment(stream, state);
    }
    if (stream.match(/^(0x[\da-f_]+|0o[0-7_]+|0b[01_]+|\d[\d_]*(\.\d[\d_]*)?(e[+-]?\d+)?)/i)) return 'number';
    const raw = stream.match(/^(#+)"/) as RegExpMatchArray | null;
    if (raw) {
      if (!stream.skipTo(`"${raw[1]}`)) stream.skipToEnd();
      else stream.match(`"${raw[1]}`);
      return 'string';
    }
    const c = stream.next() ?? '';
    if (c === '`') {
      state.inside.push('template');
      return template(stream, state);
    }
    if (c === '"' || c === "'") return quoted(stream, c);
    if (c === '{') state.inside.push('block');
    if (c === '}') state.inside.pop();
    if (/[[\](){}]/.test(c)) return 'bracket';
    if (/[A-Za-z_]/.test(c)) {
      stream.eatWhile(/\w/);
      const word = stream.current();
      if (keywords.has(word)) return 'keyword';
      if (atoms.has(word)) return 'atom';
      if (stream.match('::', false)) return 'namespace';
      return stream.match(/^\s*\(/, false) ? 'variableName.function' : 'variableName';
    }
    return /[-+*/%=<>!&|^~?]/.test(c) ? 'operator' : null;
  },
  languageData: {
    commentTokens: { line: '//', block: { open: '/*', close: '*/' } },
    closeBrackets: { brackets: ['(', '[', '{', '"', '`'] },
    indentOnInput: /^\s*[}\])]$/,
  },
};

export const rhai = StreamLanguage.define(parser);
