package executor

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/value"
	"github.com/picloud/picloud/rhai"
)

// The bounds of what a run keeps until its commit.
const (
	maxUnitKeys  = 10_000   // changed or validated
	maxUnitBytes = 16 << 20 // of keys and values that are set, and of messages

	maxUnitMessages = 1000 // sent and published
)

// unit is what a run has read and wants changed since its last commit: at most
// one change for each key.
type unit struct {
	invoke.Commit
	index map[string]int          // of Ops, by key
	seen  map[string]invoke.Entry // what Reads found, by key; without a version when absent
	bytes int
	depth int // of kv::transaction
}

// clear forgets everything but the number of the last commit.
func (u *unit) clear() {
	*u = unit{Commit: invoke.Commit{RunID: u.RunID, Seq: u.Seq}, depth: u.depth}
}

// revert forgets the changes and keeps what was read, to be validated.
func (u *unit) revert() {
	reads := u.Reads
	u.clear()
	u.Reads = reads
}

// op is the change of a key that is pending, nil if there is none.
func (u *unit) op(key string) *invoke.Op {
	if i, ok := u.index[key]; ok {
		return &u.Ops[i]
	}
	return nil
}

// put makes op the change of its key.
func (r *run) put(op invoke.Op) error {
	u := &r.unit
	old := u.op(op.Key)
	size := u.bytes + len(op.Key) + len(op.Value)
	if old != nil {
		size -= len(op.Key) + len(old.Value)
	}
	if size > maxUnitBytes || old == nil && len(u.Ops) >= maxUnitKeys {
		return r.exceed(fmt.Sprintf("the limit of %d changes or %d MiB in one commit (%s)", maxUnitKeys, maxUnitBytes>>20, r.relief()))
	}
	u.bytes = size
	if old != nil {
		*old = op
		return nil
	}
	if u.index == nil {
		u.index = map[string]int{}
	}
	u.index[op.Key] = len(u.Ops)
	u.Ops = append(u.Ops, op)
	return nil
}

// relief is what a script can do whose commit has become too large.
func (r *run) relief() string {
	switch {
	case r.start.IsEvent():
		return "an event makes one commit: let another message do the rest"
	case r.unit.depth > 0:
		return "a transaction makes one commit: use several"
	}
	return "kv::flush() makes what there is"
}

func (r *run) exceed(what string) error {
	r.exceeded = &limitError{what}
	return r.exceeded
}

// validates reports whether everything that is read is checked at the commit.
func (r *run) validates() bool { return r.start.IsEvent() || r.unit.depth > 0 }

// fetch returns what the store holds under a key, whatever the run wants
// changed; what a commit will check is not asked for again.
func (r *run) fetch(key string) (e invoke.Entry, err error) {
	if e, ok := r.unit.seen[key]; ok {
		return e, nil
	}
	found, err := r.host.Get(&r.ctx, []string{key})
	if err != nil {
		return e, r.unreadable(err)
	}
	if len(found) > 0 {
		e = found[0]
	}
	if r.validates() {
		err = r.saw(key, e)
	}
	return e, err
}

// saw has the commit check that a key is still as it was read.
func (r *run) saw(key string, e invoke.Entry) error {
	u := &r.unit
	if _, ok := u.seen[key]; ok {
		return nil
	}
	if len(u.Reads) >= maxUnitKeys {
		return r.exceed(fmt.Sprintf("the limit of %d keys that one commit can check", maxUnitKeys))
	}
	if u.seen == nil {
		u.seen = map[string]invoke.Entry{}
	}
	u.seen[key] = e
	u.Reads = append(u.Reads, invoke.Read{Key: key, Version: e.Version})
	return nil
}

// unreadable makes a host's failure to answer one of the script.
func (r *run) unreadable(err error) error {
	if isContextError(err) {
		return &rhai.Error{Kind: rhai.ErrTerminated}
	}
	r.broken = &commitError{outcome: invoke.Outcome{Verdict: invoke.Unavailable, Detail: err.Error()}, reading: true}
	return throw(r.broken.Error())
}

// lookup returns the stored form of what the run sees under a key, its own
// changes first; nil: there is nothing. base is what the store holds if the
// answer depends on it.
func (r *run) lookup(key string) (stored []byte, base *invoke.Entry, err error) {
	op := r.unit.op(key)
	if op != nil && op.Kind == invoke.OpSet {
		return op.Value, nil, nil
	}
	if op != nil && op.Kind == invoke.OpDelete {
		return nil, nil, nil
	}
	e, err := r.fetch(key)
	if err != nil {
		return nil, nil, err
	}
	if e.Version > 0 {
		stored = e.Value
	}
	if op == nil {
		return stored, &e, nil
	}
	n, err := sum(key, stored, op.Delta)
	return value.EncodeInt(n), &e, err
}

// sum adds to a stored integer; nothing counts as 0.
func sum(key string, stored []byte, delta int64) (int64, error) {
	n := int64(0)
	if stored != nil {
		var ok bool
		if n, ok = value.DecodeInt(stored); !ok {
			return 0, throw(fmt.Sprintf("%q holds no integer, so nothing can be added to it", key))
		}
	}
	if delta > 0 && n > math.MaxInt64-delta || delta < 0 && n < math.MinInt64-delta {
		return 0, throw(fmt.Sprintf("%q: %d + %d is more than an integer holds", key, n, delta))
	}
	return n + delta, nil
}

// add changes an integer by delta without reading it.
func (r *run) add(key string, delta int64) error {
	op := r.unit.op(key)
	switch {
	case op == nil:
		return r.put(invoke.Op{Kind: invoke.OpAdd, Key: key, Delta: delta})
	case op.Kind == invoke.OpAdd:
		if d := op.Delta; delta > 0 && d > math.MaxInt64-delta || delta < 0 && d < math.MinInt64-delta {
			return throw(fmt.Sprintf("%q: %d + %d is more than an integer holds", key, d, delta))
		}
		op.Delta += delta
		return nil
	}
	var stored []byte
	next := invoke.Op{Kind: invoke.OpSet, Key: key}
	if op.Kind == invoke.OpSet {
		stored, next.Expires = op.Value, op.Expires
	}
	n, err := sum(key, stored, delta)
	if err != nil {
		return err
	}
	next.Value = value.EncodeInt(n)
	return r.put(next)
}

// increment adds to an integer and returns the sum, which the commit checks.
func (r *run) increment(key string, delta int64) (int64, error) {
	stored, base, err := r.lookup(key)
	if err == nil && base != nil {
		err = r.saw(key, *base)
	}
	if err != nil {
		return 0, err
	}
	n, err := sum(key, stored, delta)
	if err != nil {
		return 0, err
	}
	return n, r.add(key, delta)
}

// compareAndSet sets a key if it holds what is expected; then the commit checks
// that. With orNothing a key that holds nothing is as expected, too: for who reads
// it, that is the same as the unit value.
func (r *run) compareAndSet(key string, expected, next []byte, orNothing bool) (bool, error) {
	stored, base, err := r.lookup(key)
	if err != nil || !bytes.Equal(stored, expected) && !(orNothing && stored == nil) {
		return false, err
	}
	if base != nil {
		if err := r.saw(key, *base); err != nil {
			return false, err
		}
	}
	return true, r.put(invoke.Op{Kind: invoke.OpSet, Key: key, Value: next})
}

// list returns a page of what the run sees: the store's keys under its own
// changes. next is where the following page begins, "" if there is none.
func (r *run) list(q invoke.Query) (entries []invoke.Entry, next string, err error) {
	page, err := r.host.List(&r.ctx, q)
	if err != nil {
		return nil, "", r.unreadable(err)
	}
	own := map[string]bool{}
	for _, e := range page.Entries {
		if r.validates() {
			if old, ok := r.unit.seen[e.Key]; ok {
				e = old
			} else if err := r.saw(e.Key, e); err != nil {
				return nil, "", err
			}
		}
		own[e.Key] = true
		if r.unit.op(e.Key) != nil {
			if e.Value, _, err = r.lookup(e.Key); err != nil {
				return nil, "", err
			}
		} else if e.Version == 0 {
			continue
		}
		if e.Value != nil {
			entries = append(entries, e)
		}
	}
	horizon := ""
	if page.More {
		horizon = page.Entries[len(page.Entries)-1].Key
	}
	for i := range r.unit.Ops {
		key := r.unit.Ops[i].Key
		if own[key] || key <= q.After || !strings.HasPrefix(key, q.Prefix) || horizon != "" && key > horizon {
			continue
		}
		stored, _, err := r.lookup(key)
		if err != nil {
			return nil, "", err
		}
		if stored != nil {
			entries = append(entries, invoke.Entry{Key: key, Value: stored})
		}
	}
	slices.SortFunc(entries, func(a, b invoke.Entry) int { return strings.Compare(a.Key, b.Key) })
	if len(entries) > q.Limit {
		entries = entries[:q.Limit]
		return entries, entries[q.Limit-1].Key, nil
	}
	return entries, horizon, nil
}

// acknowledge has the commit at the run's end finish what was delivered, with an
// answer if that was a request.
func (r *run) acknowledge(answer *invoke.Response) {
	if l := r.start.Lease; l != nil {
		r.unit.Acks, r.unit.Lease, r.unit.Response = l.Messages, l, answer
	}
}

// acknowledgeAnswer finishes a request that was delivered and answered with a
// thrown http_error: that is its answer, and nothing else of the run takes effect.
func (r *run) acknowledgeAnswer() {
	if r.start.Lease == nil || r.start.Request == nil || r.result.Status != store.StatusOK {
		return
	}
	r.unit.clear()
	r.acknowledge(r.result.Response)
	if err := r.commit(); err != nil {
		r.failed(err)
	}
}

// commit makes the run's changes durable, before its answer leaves.
func (r *run) commit() error {
	if r.broken != nil {
		return r.broken
	}
	u := &r.unit
	if u.Empty() {
		return nil
	}
	u.RunID = r.start.RunID
	u.Seq++
	c := u.Commit // the host may keep it
	out, err := r.host.Commit(&r.ctx, &c)
	u.clear()
	if err != nil {
		out = invoke.Outcome{Verdict: invoke.Unavailable, Detail: err.Error()}
	}
	if out.Verdict == invoke.Committed {
		return nil
	}
	r.refusal = &commitError{outcome: out}
	if out.Verdict != invoke.Conflict && out.Verdict != invoke.Quota && out.Verdict != invoke.Refused {
		// Nobody knows what has been done: the run must not go on from here.
		r.broken = r.refusal
	}
	return r.refusal
}

// flush commits in the middle of a run. A refusal is thrown: nothing of what was
// pending has been done, and it is forgotten.
func (r *run) flush() error {
	err := r.commit()
	var refused *commitError
	if errors.As(err, &refused) {
		return throw(refused.Error())
	}
	return err
}

// The attempts of a transaction, and what it waits between them at most.
const (
	transactionAttempts = 20
	transactionWait     = 100 * time.Millisecond
)

// transaction calls f and commits what it did, again until nothing it read has
// changed meanwhile.
func (r *run) transaction(c *rhai.Call, f rhai.Value) (rhai.Value, error) {
	if r.validates() {
		return c.Invoke(f)
	}
	if err := r.flush(); err != nil {
		return rhai.Value{}, err
	}
	before := f.Captured()
	for attempt := 1; ; attempt++ {
		r.unit.depth++
		v, thrown := c.Invoke(f)
		r.unit.depth--
		if thrown != nil && !exits(thrown) {
			if !catchable(thrown) {
				r.unit.clear()
				return v, thrown
			}
			// What it threw counts only if what it had read is true.
			r.unit.revert()
		}
		err := r.commit()
		var refused *commitError
		switch {
		case err == nil:
			return v, thrown
		case !errors.As(err, &refused):
			return rhai.Value{}, err
		case refused.outcome.Verdict != invoke.Conflict:
			return rhai.Value{}, throw(refused.Error())
		case attempt == transactionAttempts:
			return rhai.Value{}, throw(fmt.Sprintf("%s (%d attempts)", refused, attempt))
		}
		before.Restore()
		longest := min(time.Millisecond<<min(attempt, 10), transactionWait)
		t := time.NewTimer(rand.N(longest))
		select {
		case <-t.C:
		case <-r.ctx.Done():
			t.Stop()
			return rhai.Value{}, &rhai.Error{Kind: rhai.ErrTerminated}
		}
	}
}

// exits reports whether a script called exit(), which is a normal end.
func exits(err error) bool {
	var re *rhai.Error
	return errors.As(err, &re) && re.Kind == rhai.ErrExit
}

// catchable reports whether a script could have caught the error.
func catchable(err error) bool {
	var re *rhai.Error
	if !errors.As(err, &re) {
		return false
	}
	switch re.Kind {
	case rhai.ErrTerminated, rhai.ErrTooManyOperations, rhai.ErrTooManyVariables, rhai.ErrStackOverflow, rhai.ErrMemory, rhai.ErrDataTooLarge, rhai.ErrTooManyModules, rhai.ErrSystem:
		return false
	}
	return true
}
