package store

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/value"
	"github.com/picloud/picloud/rhai"
)

// A change of a key makes one message for each trigger that watches it, with
// what the key holds now.
func TestChanged(t *testing.T) {
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	c := Commit{AppID: "a", At: at}
	set, err := value.Encode(rhai.Array([]rhai.Value{rhai.Float(1), rhai.Char('x')}))
	if err != nil {
		t.Fatal(err)
	}
	if list, err := c.Changed("order/7", set); list != nil || err != nil {
		t.Errorf("without a watch: %v, %v", list, err)
	}
	if WatchOf(&Manifest{}, 1) != nil {
		t.Error("a deployment without KV triggers has a watch")
	}
	c.Watch = WatchOf(&Manifest{KVTriggers: map[string]ManifestKVTrigger{
		"all": {}, "orders": {Prefix: "order/"}, "seventh": {Prefix: "order/7"}, "users": {Prefix: "user/"},
	}}, 3)
	for key, want := range map[string]string{"order/7": "all orders seventh", "order/6": "all orders", "order": "all", "user/1": "all users"} {
		list, err := c.Changed(key, set)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		ids := map[string]bool{}
		for _, m := range list {
			names = append(names, m.Name)
			ids[m.ID] = true
			if m.AppID != "a" || m.Kind != ChannelKV || m.Source != key || m.Depth != 3 || !m.CreatedAt.Equal(at) || !m.DueAt.Equal(at) {
				t.Errorf("%s: %+v", key, m)
			}
		}
		slices.Sort(names)
		if got := strings.Join(names, " "); got != want || len(ids) != len(list) {
			t.Errorf("%s: told %s by %d IDs, want %s", key, got, len(ids), want)
		}
	}
	for want, stored := range map[string][]byte{
		`#{"change": "set", "key": "user/1", "value": [1.0, 'x']}`: set,
		`#{"change": "delete", "key": "user/1"}`:                   nil,
	} {
		list, err := c.Changed("user/1", stored)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := value.Decode(list[0].Payload, nil); err != nil || v.Repr() != want {
			t.Errorf("got %s, %v, want %s", v.Repr(), err, want)
		}
	}
	// The longest key with the largest value.
	largest, err := value.Encode(rhai.Blob(make([]byte, MaxKVValue-24)))
	if err != nil {
		t.Fatal(err)
	}
	list, err := c.Changed(strings.Repeat("k", MaxKVKey), largest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := value.Decode(list[0].Payload, nil); err != nil {
		t.Error(err)
	}
}
