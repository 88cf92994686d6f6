package version

import "testing"

func TestCompare(t *testing.T) {
	// Each is older than the next; the pre-releases are the specification's example.
	order := []string{
		"0.1.0-dev", "0.1.0", "0.2.0", "0.10.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
		"1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "v1.0.0", "1.0.1+build.5", "2.0.0",
	}
	for i, a := range order {
		for j, b := range order {
			want := 0
			switch {
			case i < j:
				want = -1
			case i > j:
				want = 1
			}
			if got, ok := Compare(a, b); got != want || !ok {
				t.Errorf("Compare(%s, %s) = %d, %v, want %d", a, b, got, ok, want)
			}
		}
	}
	for _, wrong := range []string{"", "1.0", "1.0.0.0", "a.b.c", "1.-2.3"} {
		if _, ok := Compare(wrong, "1.0.0"); ok {
			t.Errorf("%q is taken for a version", wrong)
		}
	}
}
