package tests

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/picloud/picloud/internal/pic/exit"
)

// choice reads the pattern of --run: with a "*" that stands for any text, as in the
// names of files, or a regular expression. Both find a part of a test's name.
func choice(pattern string) (func(*job) bool, error) {
	expressions := []string{pattern}
	if strings.Contains(pattern, "*") && !strings.ContainsAny(pattern, `\()[]+^$`) && !strings.Contains(pattern, ".*") {
		expressions = []string{strings.NewReplacer("*", ".*", ".", `\.`).Replace(pattern)}
	}
	if literal := regexp.QuoteMeta(pattern); literal != pattern {
		expressions = append(expressions, literal) // a path with a dot or brackets
	}
	var matchers []*regexp.Regexp
	for _, x := range expressions {
		m, err := regexp.Compile(x)
		if err != nil {
			return nil, exit.Usagef("--run takes a part of FILE/NAME, with * for any text and A|B for either, or a regular expression, not %q", pattern)
		}
		matchers = append(matchers, m)
	}
	return func(j *job) bool {
		return slices.ContainsFunc(j.names(), func(name string) bool {
			return slices.ContainsFunc(matchers, func(m *regexp.Regexp) bool { return m.MatchString(name) })
		})
	}, nil
}

const maxListed = 20

// nothingChosen says that no test fits the pattern, and which ones there are.
func nothingChosen(pattern string, there []string) error {
	more := ""
	if n := len(there) - maxListed; n > 0 {
		there, more = there[:maxListed], fmt.Sprintf(" and %d more", n)
	}
	return &exit.Error{
		Code: exit.Failed, Err: fmt.Errorf("no test fits --run %q", pattern),
		Hint: "There are " + strings.Join(there, ", ") + more + ".",
	}
}
