package invoke

import (
	"fmt"
	"time"
)

// Commit is one unit of work: what a run read, and everything it wants to
// change. It takes effect whole or not at all.
//
// Seq counts a run's commits from 1. A host that is asked for the same run and
// number again answers as it did the first time and changes nothing.
type Commit struct {
	RunID     string
	Seq       int64
	Reads     []Read // validated: one that is no longer current is a Conflict
	Ops       []Op   // in the order the script asked for them
	Sends     []Send
	Publishes []Publish
	Acks      []string // IDs of the deliveries that this commit finishes
	Lease     *Lease   // under which Acks are made
}

// Empty reports whether c would change nothing and has nothing to validate.
func (c *Commit) Empty() bool {
	return len(c.Reads) == 0 && len(c.Ops) == 0 && len(c.Sends) == 0 && len(c.Publishes) == 0 && len(c.Acks) == 0
}

// Read is a key that the run saw, and its version then; 0 says it was absent.
type Read struct {
	Key     string
	Version int64
}

// OpKind is a kind of change of a key.
type OpKind uint8

// The kinds of change.
const (
	OpSet    OpKind = 1 // Value replaces what is there
	OpDelete OpKind = 2
	OpAdd    OpKind = 3 // Delta is added blindly: never a conflict
)

// Op is a change of a key.
type Op struct {
	Kind    OpKind
	Key     string
	Value   []byte    // OpSet: in the tagged codec of values
	Delta   int64     // OpAdd
	Expires time.Time // OpSet: when the key goes by itself; zero: never
}

// Send is a message for a queue.
type Send struct {
	Queue          string
	Payload        []byte // in the tagged codec of values
	Delay          time.Duration
	IdempotencyKey string
}

// Publish is a message for the subscribers of a topic.
type Publish struct {
	Topic   string
	Payload []byte // in the tagged codec of values
}

// Verdict is what became of a commit.
type Verdict uint8

// The verdicts. Only Committed changed anything, except that after Unavailable
// this is unknown: the commit must not be repeated under another number.
const (
	Committed   Verdict = 1
	Conflict    Verdict = 2 // a read is no longer current
	LeaseLost   Verdict = 3 // somebody else has the delivery now
	Quota       Verdict = 4 // the app has no room for it
	Unavailable Verdict = 5 // the store did not answer
)

// String returns the verdict's name in lower case.
func (v Verdict) String() string {
	switch v {
	case Committed:
		return "committed"
	case Conflict:
		return "conflict"
	case LeaseLost:
		return "lease lost"
	case Quota:
		return "quota"
	case Unavailable:
		return "unavailable"
	}
	return fmt.Sprintf("verdict %d", uint8(v))
}

// Outcome is a verdict and, when it is not Committed, its reason in words.
type Outcome struct {
	Verdict Verdict
	Detail  string
}
