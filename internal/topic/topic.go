// Package topic says what topics are called and which subscriptions an event
// reaches.
//
// A topic is tokens with dots between them: "orders.created". A pattern is one
// in which a token may be "*", which stands for exactly one token, and the last
// ">", which stands for one or more. These are the rules of subjects in NATS
// (https://docs.nats.io/nats-concepts/subjects).
package topic

import (
	"errors"
	"fmt"
	"strings"
)

// MaxLength is how long a topic or pattern may be, in bytes.
const MaxLength = 200

const allowed = "a topic is tokens of letters, digits, \"-\", \"_\" and \":\" with dots between them, such as orders.created"

// Check reports, in words for the person who chose it, what is wrong with the
// name of a topic.
func Check(name string) error { return check("topic", name, false) }

// CheckPattern does the same for a pattern.
func CheckPattern(pattern string) error { return check("pattern", pattern, true) }

func check(what, s string, wildcards bool) error {
	if s == "" {
		return fmt.Errorf("the %s is empty: %s", what, allowed)
	}
	if len(s) > MaxLength {
		return fmt.Errorf("the %s is %d bytes long: at most %d are allowed", what, len(s), MaxLength)
	}
	for rest, more := s, true; more; {
		var token string
		token, rest, more = strings.Cut(rest, ".")
		switch {
		case token == "":
			return fmt.Errorf("the %s %q has an empty token: %s", what, s, allowed)
		case wildcards && token == "*":
		case wildcards && token == ">":
			if more {
				return fmt.Errorf("the pattern %q has a token behind \">\", which stands for all the rest: it can only be the last", s)
			}
		default:
			if err := checkToken(what, s, token, wildcards); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkToken(what, s, token string, wildcards bool) error {
	for _, r := range token {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_', r == ':':
		case r != '*' && r != '>':
			return fmt.Errorf("the %s %q contains %q: %s", what, s, r, allowed)
		case wildcards:
			return fmt.Errorf("the pattern %q has %q inside a token: a wildcard is a token of its own, as in orders.* or orders.>", s, r)
		default:
			return errors.New("a topic has no wildcards: \"*\" and \">\" are for subscriptions")
		}
	}
	return nil
}

// Match reports whether a pattern takes in a topic. Both must be valid.
func Match(pattern, name string) bool {
	for {
		p, patternRest, patternMore := strings.Cut(pattern, ".")
		if p == ">" {
			return true
		}
		n, nameRest, nameMore := strings.Cut(name, ".")
		if p != "*" && p != n || patternMore != nameMore {
			return false
		}
		if !patternMore {
			return true
		}
		pattern, name = patternRest, nameRest
	}
}
