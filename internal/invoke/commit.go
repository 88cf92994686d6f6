package invoke

import (
	"fmt"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// Commit is one unit of work: what a run read, and everything it wants to
// change. It takes effect whole or not at all.
//
// Seq counts a run's commits from 1. A host does not make a commit a second time:
// for a number that it has committed it answers Committed again.
type Commit struct {
	RunID     string
	Seq       int64
	Reads     []Read // validated: one that is no longer current is a Conflict
	Ops       []Op   // in the order the script asked for them
	Sends     []Send
	Publishes []Publish
	Acks      []string // IDs of the deliveries that this commit finishes
	Lease     *Lease   // under which Acks are made
	// Response is the answer to the asynchronous request that Acks finishes.
	Response *Response
}

// Empty reports whether c would change nothing and has nothing to validate.
func (c *Commit) Empty() bool {
	return len(c.Reads) == 0 && len(c.Ops) == 0 && len(c.Sends) == 0 && len(c.Publishes) == 0 && len(c.Acks) == 0
}

// Read is a key that the run saw, and its version then; 0 says it was absent.
type Read = store.KVRead

// Op is a change of a key.
type Op = store.KVOp

// The kinds of change.
const (
	OpSet    = store.KVSet
	OpDelete = store.KVDelete
	OpAdd    = store.KVAdd
)

// Entry is a key and what it held when it was read.
type Entry = store.KVEntry

// Query asks for a page of keys in their bytewise order.
type Query struct {
	Prefix string
	After  string // only keys after this one
	Limit  int    // 1 to 1000
}

// Page is the answer to a Query.
type Page struct {
	Entries []Entry
	More    bool // there are further keys
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
	Refused     Verdict = 6 // a change is not possible, now or later: adding to a text
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
	case Refused:
		return "refused"
	}
	return fmt.Sprintf("verdict %d", uint8(v))
}

// Outcome is a verdict and, when it is not Committed, its reason in words.
type Outcome struct {
	Verdict Verdict
	Detail  string
}
