// Package dotenv reads .env files: NAME=value, a line each.
package dotenv

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/picloud/picloud/internal/store"
)

// MaxSize bounds a file, in bytes.
const MaxSize = 1 << 20

// Read reads a whole file. See Parse.
func Read(r io.Reader) (map[string]string, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err != nil {
		return nil, err
	}
	if len(b) > MaxSize {
		return nil, fmt.Errorf("it has more than %d KiB: that is no .env file", MaxSize>>10)
	}
	return Parse(string(b))
}

// Parse returns the values by name.
//
// Empty lines, and those that begin with #, are left out, as is a leading
// "export". A value ends with its line or before " #", and has no white space
// around it. Between single quotes everything stands for itself, between double
// quotes \n, \r, \t, \", \\ and \$ are escapes; quoted values may go over several
// lines. Variables in values are not replaced. A name that stands there twice has
// its last value. Errors name the line and never what stands in it.
func Parse(text string) (map[string]string, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("it is no UTF-8 text")
	}
	p := &parser{rest: strings.TrimPrefix(text, "\ufeff"), line: 1}
	values := map[string]string{}
	for p.rest != "" {
		name, value, ok, err := p.entry()
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", p.line, err)
		}
		if ok {
			values[name] = value
		}
	}
	return values, nil
}

type parser struct {
	rest string
	line int // on which rest begins
}

// take returns the next n bytes and goes on after them.
func (p *parser) take(n int) string {
	s := p.rest[:n]
	p.rest = p.rest[n:]
	p.line += strings.Count(s, "\n")
	return s
}

// restOfLine returns what is left of the line, and goes on after it.
func (p *parser) restOfLine() string {
	if i := strings.IndexByte(p.rest, '\n'); i >= 0 {
		return strings.TrimSuffix(p.take(i + 1)[:i], "\r")
	}
	return strings.TrimSuffix(p.take(len(p.rest)), "\r")
}

func (p *parser) entry() (name, value string, ok bool, err error) {
	end := strings.IndexByte(p.rest, '\n')
	if end < 0 {
		end = len(p.rest)
	}
	line := p.rest[:end]
	if t := strings.TrimSpace(line); t == "" || t[0] == '#' {
		p.restOfLine()
		return "", "", false, nil
	}
	equals := strings.IndexByte(line, '=')
	if equals < 0 {
		return "", "", false, errors.New("there is no = in it: write NAME=value")
	}
	name = strings.TrimSpace(line[:equals])
	if after, found := strings.CutPrefix(name, "export"); found && strings.TrimLeft(after, " \t") != after {
		name = strings.TrimSpace(after)
	}
	if err := store.CheckSettingName(name); err != nil {
		return "", "", false, fmt.Errorf("before the =: %w", err)
	}
	p.take(equals + 1)
	p.take(len(p.rest) - len(strings.TrimLeft(p.rest, " \t")))
	if p.rest == "" {
		return name, "", true, nil
	}
	switch p.rest[0] {
	case '\'':
		value, err = p.quoted('\'')
	case '"':
		value, err = p.quoted('"')
	default:
		value = p.restOfLine()
		if value != "" && value[0] == '#' {
			value = ""
		}
		for _, comment := range []string{" #", "\t#"} {
			value, _, _ = strings.Cut(value, comment)
		}
		return name, strings.TrimSpace(value), true, nil
	}
	if err != nil {
		return "", "", false, err
	}
	if i := strings.IndexByte(p.rest, '\n'); i >= 0 {
		end = i
	} else {
		end = len(p.rest)
	}
	if after := strings.TrimSpace(p.rest[:end]); after != "" && after[0] != '#' {
		return "", "", false, errors.New("something stands behind the closing quote")
	}
	p.restOfLine()
	return name, value, true, nil
}

// quoted reads a value between quotes.
func (p *parser) quoted(quote byte) (string, error) {
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		c := p.rest[i]
		switch {
		case c == quote:
			p.take(i + 1)
			return b.String(), nil
		case c == '\\' && quote == '"' && i+1 < len(p.rest):
			i++
			switch e := p.rest[i]; e {
			case 'n':
				b.WriteByte('\n')
			case 'r':
				b.WriteByte('\r')
			case 't':
				b.WriteByte('\t')
			case '"', '\\', '$':
				b.WriteByte(e)
			default:
				b.WriteByte('\\')
				b.WriteByte(e)
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", fmt.Errorf("the value begins with %c and does not end with it", quote)
}
