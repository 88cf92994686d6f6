package limits

import (
	"reflect"
	"testing"

	"github.com/picloud/picloud/client"
)

func TestSetAndText(t *testing.T) {
	var l client.Limits
	for _, s := range []string{"memory=16MiB", "wall-time=1.5s", "operations=5000", "request=1000", "call-depth=8", "response=1GiB", "log-lines=3", "log-bytes=2KiB"} {
		if err := Set(&l, s); err != nil {
			t.Fatal(err)
		}
	}
	if want := (client.Limits{
		Operations: 5000, WallTimeMs: 1500, MemoryBytes: 16 << 20, CallDepth: 8,
		RequestBytes: 1000, ResponseBytes: 1 << 30, LogLines: 3, LogBytes: 2 << 10,
	}); l != want {
		t.Errorf("got %+v", l)
	}
	const text = "operations=5000 wall-time=1.5s memory=16MiB call-depth=8 request=1000 response=1GiB log-lines=3 log-bytes=2KiB"
	if got := Text(l); got != text {
		t.Errorf("Text = %q", got)
	}
	if err := Set(&l, "memory=default"); err != nil || l.MemoryBytes != 0 {
		t.Errorf("default: %d, %v", l.MemoryBytes, err)
	}
	if Text(client.Limits{}) != "" {
		t.Error("no limits are not empty")
	}
}

func TestSetRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"memory":                      `"memory" is no NAME=VALUE, such as memory=16MiB`,
		"disk=1":                      `there is no limit "disk": there are operations, wall-time, memory, call-depth, request, response, log-lines, log-bytes`,
		"memory=lots":                 `memory: "lots" is no size such as 16MiB, 256KiB or 4096 (bytes), or default`,
		"memory=0":                    `memory: "0" is no size such as 16MiB, 256KiB or 4096 (bytes), or default`,
		"memory=99999999999999999GiB": `memory: "99999999999999999GiB" is no size such as 16MiB, 256KiB or 4096 (bytes), or default`,
		"wall-time=10":                `wall-time: "10" is no duration such as 500ms or 10s, or default`,
		"wall-time=1us":               `wall-time: "1us" is no duration such as 500ms or 10s, or default`,
		"operations=-1":               `operations: "-1" is no number from 1 up, or default`,
	} {
		var l client.Limits
		if err := Set(&l, in); err == nil || err.Error() != want {
			t.Errorf("Set(%q): %v, want %s", in, err, want)
		}
	}
}

// A limit that the API gets and this package does not know could not be set.
func TestEveryLimitHasAName(t *testing.T) {
	var l client.Limits
	for _, x := range all {
		*x.field(&l)++
	}
	v := reflect.ValueOf(l)
	for i := range v.NumField() {
		if v.Field(i).Int() != 1 {
			t.Errorf("client.Limits.%s has no name, or two", v.Type().Field(i).Name)
		}
	}
}
