package storetest

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/value"
)

// RunKV runs the suite for store.KV. newApp returns the ID of an app that keeps
// nothing.
func RunKV(t *testing.T, kv store.KV, newApp func(t *testing.T) string) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, k kvTest)
	}{
		{"Set", testKVSet},
		{"Add", testKVAdd},
		{"OpsInOrder", testKVOpsInOrder},
		{"Reads", testKVReads},
		{"Whole", testKVWhole},
		{"Names", testKVNames},
		{"Refused", testKVRefused},
		{"List", testKVList},
		{"LargePage", testKVLargePage},
		{"Expiry", testKVExpiry},
		{"Quota", testKVQuota},
		{"ConcurrentAdds", testKVConcurrentAdds},
		{"ConcurrentReads", testKVConcurrentReads},
		{"WriteSkew", testKVWriteSkew},
		{"OppositeOrder", testKVOppositeOrder},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, kvTest{kv, newApp(t)}) })
	}
}

type kvTest struct {
	store.KV
	app string
}

func set(key, val string) store.KVOp {
	return store.KVOp{Kind: store.KVSet, Key: key, Value: []byte(val)}
}
func remove(key string) store.KVOp { return store.KVOp{Kind: store.KVDelete, Key: key} }
func add(key string, n int64) store.KVOp {
	return store.KVOp{Kind: store.KVAdd, Key: key, Delta: n}
}

func (k kvTest) try(t *testing.T, ops ...store.KVOp) (int64, error) {
	t.Helper()
	return k.Commit(t.Context(), store.Commit{AppID: k.app, RunID: newID(), Seq: 1, Ops: ops, At: at(0)})
}

func (k kvTest) commit(t *testing.T, ops ...store.KVOp) int64 {
	t.Helper()
	version, err := k.try(t, ops...)
	must(t, "Commit", err)
	return version
}

// all shows what the app has at a time as "key=value key=value"; integers as such.
func (k kvTest) all(t *testing.T, when time.Time) string {
	t.Helper()
	entries, more, err := k.KVList(t.Context(), store.KVQuery{AppID: k.app, Limit: 1000}, when)
	must(t, "KVList", err)
	if more {
		t.Error("there is more")
	}
	var out []string
	for _, e := range entries {
		shown := string(e.Value)
		if n, ok := value.DecodeInt(e.Value); ok {
			shown = fmt.Sprint(n)
		}
		out = append(out, e.Key+"="+shown)
	}
	return strings.Join(out, " ")
}

func (k kvTest) want(t *testing.T, want string) {
	t.Helper()
	equal(t, "what the app keeps", k.all(t, at(0)), want)
}

func (k kvTest) usage(t *testing.T) store.KVUsage {
	t.Helper()
	u, err := k.KVUsage(t.Context(), k.app)
	must(t, "KVUsage", err)
	return u
}

func testKVSet(t *testing.T, k kvTest) {
	first := k.commit(t, store.KVOp{Kind: store.KVSet, Key: "a", Value: []byte("1\x00\xff"), Expires: at(time.Hour)}, set("b", "2"))
	got, err := k.KVGet(t.Context(), k.app, []string{"a", "none", "b"}, at(0))
	must(t, "KVGet", err)
	slices.SortFunc(got, func(a, b store.KVEntry) int { return strings.Compare(a.Key, b.Key) })
	equal(t, "entries", got, []store.KVEntry{
		{Key: "a", Value: []byte("1\x00\xff"), Version: first, ExpiresAt: at(time.Hour)},
		{Key: "b", Value: []byte("2"), Version: first},
	})
	if second := k.commit(t, set("a", "3"), remove("b"), remove("none")); second <= first || first <= 0 {
		t.Errorf("versions %d, then %d", first, second)
	}
	got, err = k.KVGet(t.Context(), k.app, []string{"a", "b"}, at(2*time.Hour))
	must(t, "KVGet", err)
	if len(got) != 1 || string(got[0].Value) != "3" || !got[0].ExpiresAt.IsZero() {
		t.Errorf("a second value leaves %+v", got)
	}
	equal(t, "usage", k.usage(t), store.KVUsage{Keys: 1, Bytes: 2})
	got, err = k.KVGet(t.Context(), newID(), []string{"a"}, at(0))
	if err != nil || len(got) != 0 {
		t.Errorf("another app: %v, %v", got, err)
	}
}

func testKVAdd(t *testing.T, k kvTest) {
	k.commit(t, add("n", 5))
	k.commit(t, add("n", -7), store.KVOp{Kind: store.KVSet, Key: "e", Value: value.EncodeInt(1), Expires: at(time.Hour)})
	k.commit(t, add("e", 1), add("e", 1))
	k.want(t, "e=3 n=-2")
	equal(t, "an addition leaves the expiry", k.all(t, at(2*time.Hour)), "n=-2")
	must(t, "Commit", second(k.Commit(t.Context(), store.Commit{AppID: k.app, At: at(2 * time.Hour), Ops: []store.KVOp{add("e", 1)}})))
	equal(t, "after it has expired", k.all(t, at(3*time.Hour)), "e=1 n=-2")

	k.commit(t, set("text", "x"), set("max", string(value.EncodeInt(math.MaxInt64))))
	_, err := k.try(t, add("n", 1), add("text", 1))
	wantErr(t, "adding to text", err, store.ErrInvalid)
	_, err = k.try(t, add("max", 1))
	wantErr(t, "adding to the largest integer", err, store.ErrInvalid)
	_, err = k.try(t, add("n", math.MinInt64))
	wantErr(t, "adding below the smallest", err, store.ErrInvalid)
}

func testKVOpsInOrder(t *testing.T, k kvTest) {
	k.commit(t, add("a", 1), set("a", string(value.EncodeInt(10))), add("a", 2), set("b", "x"), remove("b"), remove("c"), add("c", 3), set("d", "y"))
	k.want(t, "a=12 c=3 d=y")
	k.commit(t, remove("a"), add("a", 1), remove("d"), add("d", 1), remove("d"))
	k.want(t, "a=1 c=3")
	equal(t, "usage", k.usage(t), store.KVUsage{Keys: 2, Bytes: 8})
}

func (k kvTest) validated(t *testing.T, reads []store.KVRead, ops ...store.KVOp) error {
	t.Helper()
	return second(k.Commit(t.Context(), store.Commit{AppID: k.app, RunID: newID(), Seq: 1, Reads: reads, Ops: ops, At: at(0)}))
}

func testKVReads(t *testing.T, k kvTest) {
	v := k.commit(t, set("a", "1"))
	must(t, "a read that is true", k.validated(t, []store.KVRead{{Key: "a", Version: v}, {Key: "none"}}, set("b", "2")))
	must(t, "the same without a change", k.validated(t, []store.KVRead{{Key: "a", Version: v}, {Key: "none"}}))
	w := k.commit(t, set("a", "1"))
	for name, reads := range map[string][]store.KVRead{
		"written again":       {{Key: "a", Version: v}},
		"there, read as none": {{Key: "a"}},
		"gone":                {{Key: "gone", Version: v}},
		"one of two":          {{Key: "a", Version: w}, {Key: "b"}},
		"read twice":          {{Key: "a", Version: w}, {Key: "a", Version: v}},
	} {
		wantErr(t, name, k.validated(t, reads, set("b", "3"), set("c", "3")), store.ErrConflict)
		wantErr(t, name+", without a change", k.validated(t, reads), store.ErrConflict)
	}
	k.want(t, "a=1 b=2")
	must(t, "a read key is changed", k.validated(t, []store.KVRead{{Key: "a", Version: w}, {Key: "c"}}, add("c", 1), remove("a")))
	k.want(t, "b=2 c=1")
	equal(t, "usage", k.usage(t), store.KVUsage{Keys: 2, Bytes: 6})
}

// A commit that fails at its last key has changed nothing.
func testKVWhole(t *testing.T, k kvTest) {
	k.commit(t, set("a", "1"), set("z", "text"))
	before := k.usage(t)
	_, err := k.try(t, set("a", "2"), set("b", "2"), add("z", 1))
	wantErr(t, "Commit", err, store.ErrInvalid)
	k.want(t, "a=1 z=text")
	equal(t, "usage", k.usage(t), before)
}

func testKVNames(t *testing.T, k kvTest) {
	c := store.Commit{AppID: k.app, RunID: newID(), Seq: 1, Ops: []store.KVOp{add("n", 1)}, At: at(0)}
	first, err := k.Commit(t.Context(), c)
	must(t, "Commit", err)
	again, err := k.Commit(t.Context(), c)
	must(t, "the same again", err)
	equal(t, "its version", again, first)
	k.want(t, "n=1")
	c.Seq = 2
	must(t, "the next", second(k.Commit(t.Context(), c)))
	k.want(t, "n=2")
	// What was refused was not done, so it may be tried again.
	c.Seq, c.Reads = 3, []store.KVRead{{Key: "m", Version: 5}}
	wantErr(t, "a conflict", second(k.Commit(t.Context(), c)), store.ErrConflict)
	c.Reads = nil
	must(t, "the same without", second(k.Commit(t.Context(), c)))
	k.want(t, "n=3")
}

func testKVRefused(t *testing.T, k kvTest) {
	for name, op := range map[string]store.KVOp{
		"empty key": set("", "x"), "long key": set(strings.Repeat("x", store.MaxKVKey+1), "x"),
		"NUL": set("a\x00", "x"), "not UTF-8": set("\xff", "x"),
		"large value": set("a", strings.Repeat("x", store.MaxKVValue+1)), "unknown kind": {Kind: 9, Key: "a"},
	} {
		_, err := k.try(t, op)
		wantErr(t, name, err, store.ErrInvalid)
	}
	longest := strings.Repeat("ü", store.MaxKVKey/2)
	k.commit(t, set(longest, strings.Repeat("x", store.MaxKVValue)))
	got, err := k.KVGet(t.Context(), k.app, []string{longest}, at(0))
	if err != nil || len(got) != 1 || len(got[0].Value) != store.MaxKVValue {
		t.Errorf("the longest key and value: %d entries, %v", len(got), err)
	}
}

func testKVList(t *testing.T, k kvTest) {
	keys := []string{"a", "b/", "b/1", "b/2", "b/3", "b/é", "b/\U0010FFFF", "b0", "ba", "c", "\U0010FFFF", "\U0010FFFFx", "\uD7FF1", "\uE000"}
	slices.Sort(keys)
	for _, key := range keys {
		k.commit(t, set(key, "v"))
	}
	for _, prefix := range []string{"", "a", "b", "b/", "b/2", "nothing", "\U0010FFFF", "b/\U0010FFFF", "\uD7FF"} {
		var want []string
		for _, key := range keys {
			if strings.HasPrefix(key, prefix) {
				want = append(want, key)
			}
		}
		for _, limit := range []int{1, 2, 3, 1000} {
			var got []string
			after := ""
			for range len(keys) + 1 {
				page, more, err := k.KVList(t.Context(), store.KVQuery{AppID: k.app, Prefix: prefix, After: after, Limit: limit}, at(0))
				must(t, "KVList", err)
				if len(page) > limit || more && len(page) == 0 {
					t.Fatalf("a page of %d, limit %d, more %t", len(page), limit, more)
				}
				for _, e := range page {
					got = append(got, e.Key)
					after = e.Key
				}
				if !more {
					break
				}
			}
			equal(t, fmt.Sprintf("prefix %q by %d", prefix, limit), got, want)
		}
	}
}

func testKVLargePage(t *testing.T, k kvTest) {
	large := string(bytes.Repeat([]byte("x"), store.MaxKVValue))
	for i := range 6 {
		k.commit(t, set(fmt.Sprint(i), large))
	}
	page, more, err := k.KVList(t.Context(), store.KVQuery{AppID: k.app, Limit: 1000}, at(0))
	must(t, "KVList", err)
	if len(page) != 3 || !more {
		t.Errorf("%d entries of a MiB on a page of 4 MiB, more %t", len(page), more)
	}
	page, more, err = k.KVList(t.Context(), store.KVQuery{AppID: k.app, After: page[2].Key, Limit: 1000}, at(0))
	if err != nil || len(page) != 3 || more {
		t.Errorf("the rest: %d entries, more %t, %v", len(page), more, err)
	}
}

func testKVExpiry(t *testing.T, k kvTest) {
	until := func(key string, when time.Time) store.KVOp {
		return store.KVOp{Kind: store.KVSet, Key: key, Value: []byte("v"), Expires: when}
	}
	v := k.commit(t, until("a", at(time.Second)), until("b", at(2*time.Second)), set("c", "v"))
	for _, c := range []struct {
		after time.Duration
		want  string
	}{{0, "a=v b=v c=v"}, {time.Second - time.Microsecond, "a=v b=v c=v"}, {time.Second, "b=v c=v"}, {2 * time.Second, "c=v"}} {
		equal(t, fmt.Sprint("after ", c.after), k.all(t, at(c.after)), c.want)
	}
	later := func(reads []store.KVRead, ops ...store.KVOp) error {
		return second(k.Commit(t.Context(), store.Commit{AppID: k.app, Reads: reads, Ops: ops, At: at(time.Second)}))
	}
	wantErr(t, "a read of what has expired since", later([]store.KVRead{{Key: "a", Version: v}}), store.ErrConflict)
	must(t, "a read after it expired", later([]store.KVRead{{Key: "a"}}, set("d", "v")))
	equal(t, "before the sweep", k.usage(t), store.KVUsage{Keys: 4, Bytes: 8})

	next, err := k.Sweep(t.Context(), at(time.Second))
	must(t, "Sweep", err)
	if next.IsZero() || next.After(at(2*time.Second)) {
		t.Errorf("the next sweep is due at %v, want %v or before", next, at(2*time.Second))
	}
	equal(t, "after the sweep", k.usage(t), store.KVUsage{Keys: 3, Bytes: 6})
	must(t, "Sweep", second(k.Sweep(t.Context(), at(2*time.Second))))
	equal(t, "after the next", k.usage(t), store.KVUsage{Keys: 2, Bytes: 4})
	k.want(t, "c=v d=v")
	// A day later nothing is due any more: every commit is forgotten.
	next, err = k.Sweep(t.Context(), time.Now().Add(24*time.Hour))
	if err != nil || !next.IsZero() {
		t.Errorf("when everything is swept: %v, %v", next, err)
	}
}

func testKVQuota(t *testing.T, k kvTest) {
	try := func(ops ...store.KVOp) error {
		return second(k.Commit(t.Context(), store.Commit{AppID: k.app, Ops: ops, At: at(0), MaxBytes: 10}))
	}
	must(t, "within", try(set("a", "1234"), set("b", "1234")))
	wantErr(t, "one byte too many", try(set("b", "12345")), store.ErrQuota)
	wantErr(t, "a new key", try(set("c", "")), store.ErrQuota)
	must(t, "as large as before", try(set("b", "4321")))
	must(t, "more here, less there", try(set("b", "12345678"), remove("a")))
	k.commit(t, set("d", "12345678"))
	must(t, "less, though still too much", try(set("d", "1")))
	equal(t, "usage", k.usage(t), store.KVUsage{Keys: 2, Bytes: 11})
}

func testKVConcurrentAdds(t *testing.T, k kvTest) {
	const writers, each = 8, 20
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				if _, err := k.try(t, add("n", 1), add("m", 2)); err != nil {
					t.Errorf("Commit: %v", err)
				}
			}
		})
	}
	wg.Wait()
	k.want(t, fmt.Sprintf("m=%d n=%d", 2*writers*each, writers*each))
	equal(t, "usage", k.usage(t), store.KVUsage{Keys: 2, Bytes: 2 + 2*4})
}

// Of those that read the same version only one can commit.
func testKVConcurrentReads(t *testing.T, k kvTest) {
	const writers, each = 6, 10
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for done := 0; done < each; {
				got, err := k.KVGet(t.Context(), k.app, []string{"n"}, at(0))
				if err != nil {
					t.Errorf("KVGet: %v", err)
					return
				}
				read, n := store.KVRead{Key: "n"}, int64(0)
				if len(got) == 1 {
					read.Version = got[0].Version
					n, _ = value.DecodeInt(got[0].Value)
				}
				err = k.validated(t, []store.KVRead{read}, set("n", string(value.EncodeInt(n+1))))
				switch {
				case err == nil:
					done++
				case !isConflict(err):
					t.Errorf("Commit: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	k.want(t, fmt.Sprintf("n=%d", writers*each))
}

func isConflict(err error) bool {
	return err != nil && strings.Contains(err.Error(), store.ErrConflict.Error())
}

// Two that each read as absent what the other writes cannot both commit.
func testKVWriteSkew(t *testing.T, k kvTest) {
	for i := range 15 {
		a, b := fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i)
		errs := make([]error, 2)
		var wg sync.WaitGroup
		wg.Go(func() { errs[0] = k.validated(t, []store.KVRead{{Key: a}}, set(b, "x")) })
		wg.Go(func() { errs[1] = k.validated(t, []store.KVRead{{Key: b}}, set(a, "x")) })
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("round %d: %v and %v, want one of them to fail", i, errs[0], errs[1])
		}
	}
}

// Transactions that touch the same keys in opposite orders do not hold each
// other up.
func testKVOppositeOrder(t *testing.T, k kvTest) {
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			for range 10 {
				ops := []store.KVOp{add("a", 1), add("b", 1), add("c", 1), add("d", 1)}
				if w%2 == 0 {
					slices.Reverse(ops)
				}
				if _, err := k.try(t, ops...); err != nil {
					t.Errorf("Commit: %v", err)
				}
			}
		})
	}
	wg.Wait()
	k.want(t, "a=60 b=60 c=60 d=60")
}

// An app's data go with it.
func testDeleteAppWithKV(t *testing.T, s store.Store) {
	app := addApp(t, s, "to-go")
	k := kvTest{s, app.ID}
	k.commit(t, set("a", "1"))
	must(t, "DeleteApp", s.DeleteApp(t.Context(), app.ID, false, "x", at(0)))
	k.want(t, "")
	equal(t, "usage", k.usage(t), store.KVUsage{})
	_, err := k.try(t, set("a", "1"))
	wantErr(t, "a commit for an app that is gone", err, store.ErrNotFound)
}
