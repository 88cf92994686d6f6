package version

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Compare returns -1, 0 or 1 as a is older than b, the same or newer, by the
// precedence of Semantic Versioning 2.0.0, section 11. ok is false when one of
// them is no semantic version.
func Compare(a, b string) (order int, ok bool) {
	x, ok1 := parse(a)
	y, ok2 := parse(b)
	if !ok1 || !ok2 {
		return 0, false
	}
	if c := slices.Compare(x.numbers[:], y.numbers[:]); c != 0 {
		return c, true
	}
	// One without a pre-release comes after those with one.
	if x.pre == "" || y.pre == "" {
		return cmp.Compare(len(y.pre), len(x.pre)), true
	}
	return slices.CompareFunc(strings.Split(x.pre, "."), strings.Split(y.pre, "."), compareIdentifier), true
}

type parsed struct {
	numbers [3]uint64
	pre     string
}

func parse(s string) (v parsed, ok bool) {
	s, _, _ = strings.Cut(strings.TrimPrefix(s, "v"), "+")
	core, pre, _ := strings.Cut(s, "-")
	parts := strings.Split(core, ".")
	if len(parts) != len(v.numbers) {
		return v, false
	}
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 64)
		if err != nil {
			return v, false
		}
		v.numbers[i] = n
	}
	v.pre = pre
	return v, true
}

// compareIdentifier compares numbers as numbers, text as text, and puts numbers
// before text.
func compareIdentifier(a, b string) int {
	m, errA := strconv.ParseUint(a, 10, 64)
	n, errB := strconv.ParseUint(b, 10, 64)
	switch {
	case errA == nil && errB == nil:
		return cmp.Compare(m, n)
	case errA == nil:
		return -1
	case errB == nil:
		return 1
	}
	return cmp.Compare(a, b)
}
