package store

import "fmt"

// Quota bounds what each app may have in its channels. A zero field: no bound.
type Quota struct {
	// Messages and Bytes bound the messages that wait or are worked on, and their
	// payloads. What would exceed them is not added: ErrQuota. A commit that
	// acknowledges as much as it adds is never refused, and neither is the firing of
	// a schedule, which MaxScheduleBacklog bounds.
	Messages, Bytes int64 // of them asynchronous requests take no more than MaxRequests says
	// Kept and KeptBytes bound the dead letters with their payloads, and just so the
	// answers to asynchronous requests. Of more the oldest go, of dead letters those
	// first that are asynchronous requests.
	Kept, KeptBytes int64
	// Channels bounds the channels that have messages, idempotency keys or are paused. One
	// more is not made: ErrQuota. Those without any of that make room. Again the firing of a schedule is never refused, and
	// neither is a pause.
	Channels int64
	// IdempotencyKeys bounds the keys that its channels remember, for IdempotencyMemory
	// after each was used. A message with one more is not added: ErrQuota.
	IdempotencyKeys int64
}

// DefaultQuota is an instance's, unless its operator says otherwise.
var DefaultQuota = Quota{Messages: 1_000_000, Bytes: 1 << 30, Kept: 10_000, KeptBytes: 256 << 20, Channels: 1000, IdempotencyKeys: 1_000_000}

// MessageUsage is what an app has in its channels.
type MessageUsage struct {
	Messages, Bytes      int64 // that wait or are worked on, and their payloads
	Requests, ReqBytes   int64 // those of them that are asynchronous requests
	Dead, DeadBytes      int64 // dead letters, and their payloads
	Dropped              int64 // dead letters that went because there were too many, ever
	Answers, AnswerBytes int64 // to asynchronous requests
	Channels             int64 // that have been used and are still there, also those without anything
	IdempotencyKeys      int64 // that are remembered, and expired ones until the next sweep
}

// Add adds what another usage counts.
func (u *MessageUsage) Add(v MessageUsage) {
	u.Messages += v.Messages
	u.Bytes += v.Bytes
	u.Requests += v.Requests
	u.ReqBytes += v.ReqBytes
	u.Dead += v.Dead
	u.DeadBytes += v.DeadBytes
	u.Dropped += v.Dropped
	u.Answers += v.Answers
	u.AnswerBytes += v.AnswerBytes
	u.Channels += v.Channels
	u.IdempotencyKeys += v.IdempotencyKeys
}

// Queued is what changes when a message with so long a payload is added. request
// says that it is an asynchronous request: it has a token.
func Queued(payload int64, request bool) MessageUsage {
	u := MessageUsage{Messages: 1, Bytes: payload}
	if request {
		u.Requests, u.ReqBytes = 1, payload
	}
	return u
}

// Done is what changes when one is acknowledged or deleted.
func Done(payload int64, request bool) MessageUsage {
	u := Queued(payload, request)
	return MessageUsage{Messages: -u.Messages, Bytes: -u.Bytes, Requests: -u.Requests, ReqBytes: -u.ReqBytes}
}

// Died is what changes when one becomes a dead letter.
func Died(payload int64, request bool) MessageUsage {
	u := Done(payload, request)
	u.Dead, u.DeadBytes = 1, payload
	return u
}

// Revived is what changes when a dead letter is to be delivered again.
func Revived(payload int64, request bool) MessageUsage {
	u := Queued(payload, request)
	u.Dead, u.DeadBytes = -1, -payload
	return u
}

// requestShare is the part of an app's room, one of so many, that asynchronous
// requests may take. Strangers send them, and what the app itself sends must find
// room all the same.
const requestShare = 4

// MaxRequests returns how many of an app's messages may be asynchronous requests, and
// how many bytes those may take; 0: no bound.
func (q *Quota) MaxRequests() (messages, bytes int64) {
	return (q.Messages + requestShare - 1) / requestShare, (q.Bytes + requestShare - 1) / requestShare
}

// Check reports as ErrQuota what of an app's usage is beyond the quota now that it
// has grown.
func (q *Quota) Check(usage, grown MessageUsage) error {
	requests, requestBytes := q.MaxRequests()
	switch {
	case grown.Requests > 0 && requests > 0 && usage.Requests > requests:
		return fmt.Errorf("%w: with this %d asynchronous requests to the app would wait, at most %d may", ErrQuota, usage.Requests, requests)
	case grown.ReqBytes > 0 && requestBytes > 0 && usage.ReqBytes > requestBytes:
		return fmt.Errorf("%w: with this the asynchronous requests to the app that wait would take %d bytes, they may take %d", ErrQuota, usage.ReqBytes, requestBytes)
	case grown.Messages > 0 && q.Messages > 0 && usage.Messages > q.Messages:
		return fmt.Errorf("%w: with this %d messages of the app would wait, at most %d may", ErrQuota, usage.Messages, q.Messages)
	case grown.Bytes > 0 && q.Bytes > 0 && usage.Bytes > q.Bytes:
		return fmt.Errorf("%w: with this the app's messages that wait would take %d bytes, they may take %d", ErrQuota, usage.Bytes, q.Bytes)
	case grown.IdempotencyKeys > 0 && q.IdempotencyKeys > 0 && usage.IdempotencyKeys > q.IdempotencyKeys:
		return fmt.Errorf("%w: with this the app would have %d idempotency keys of the last %.0f hours, it may have %d", ErrQuota, usage.IdempotencyKeys, IdempotencyMemory.Hours(), q.IdempotencyKeys)
	}
	return nil
}

// Ample reports whether twice what is used and many times what is added are within
// the quota.
func (q *Quota) Ample(usage, grown MessageUsage) bool {
	usage.Add(usage)
	many := grown
	for range 6 {
		many.Add(many)
	}
	usage.Add(many)
	return q.Check(usage, grown) == nil
}

// CheckChannels reports as ErrQuota that an app would have too many channels.
func (q *Quota) CheckChannels(channels int64) error {
	if q.Channels > 0 && channels > q.Channels {
		return fmt.Errorf("%w: with this the app would have %d queues and other channels with messages, it may have %d", ErrQuota, channels, q.Channels)
	}
	return nil
}

// Surplus returns how many of so many things that are kept have to go, and how
// many bytes of theirs.
func (q *Quota) Surplus(kept, keptBytes int64) (n, bytes int64) {
	if q.Kept > 0 {
		n = max(0, kept-q.Kept)
	}
	if q.KeptBytes > 0 {
		bytes = max(0, keptBytes-q.KeptBytes)
	}
	return n, bytes
}
