package store

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxNameLength is the length limit of app slugs and script names, in bytes.
// It is that of a DNS label, because a slug becomes one.
const MaxNameLength = 63

// reservedSlugs are paths of the control host that an app's slug would hide.
// Slugs that begin with an underscore are reserved too, which the character
// rule already ensures.
var reservedSlugs = map[string]bool{
	"api":         true,
	"favicon.ico": true,
	"healthz":     true,
	"metrics":     true,
	"readyz":      true,
	".well-known": true,
}

// CheckSlug reports, in words for the person who chose it, what is wrong with an
// app's slug: lower-case letters, digits and hyphens, 1 to 63 of them, beginning
// and ending with a letter or digit, and not reserved.
func CheckSlug(slug string) error {
	if reservedSlugs[slug] {
		return fmt.Errorf("the slug %q is reserved: choose another", slug)
	}
	return checkName("slug", slug, "-", "lower-case letters a-z, digits and hyphens")
}

// CheckScriptName does the same for a script's name, in which underscores are
// allowed too.
func CheckScriptName(name string) error {
	return checkName("script name", name, "-_", "lower-case letters a-z, digits, hyphens and underscores")
}

// CheckTriggerName does the same for the name of a queue, subscription, schedule
// or KV trigger, which what says; dots are allowed too.
func CheckTriggerName(what, name string) error {
	return checkName("name of the "+what, name, "-_.", "lower-case letters a-z, digits, hyphens, underscores and dots")
}

func checkName(what, name, inside, allowed string) error {
	if name == "" {
		return fmt.Errorf("the %s is empty: allowed are %s", what, allowed)
	}
	if len(name) > MaxNameLength {
		return fmt.Errorf("the %s is %d characters long: at most %d are allowed", what, len(name), MaxNameLength)
	}
	for i, r := range name {
		if alphanumeric(r) {
			continue
		}
		if !strings.ContainsRune(inside, r) {
			return fmt.Errorf("the %s %q contains %q: allowed are %s", what, name, r, allowed)
		}
		if i == 0 || i == len(name)-1 {
			return fmt.Errorf("the %s %q must begin and end with a letter or digit: allowed are %s", what, name, allowed)
		}
	}
	return nil
}

func alphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || '0' <= r && r <= '9'
}

// Text makes a text from outside one that every database takes, and cuts it to
// at most max bytes, with "…" where it was cut.
func Text(s string, max int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) <= max {
		return s
	}
	end := max
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
