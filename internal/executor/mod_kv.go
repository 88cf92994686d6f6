package executor

import (
	"fmt"
	"math"
	"time"

	"github.com/picloud/picloud/internal/invoke"
	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/internal/value"
	"github.com/picloud/picloud/rhai"
)

// dataFunction is a function of kv. With a key as its first argument that is
// checked.
func dataFunction(name string, p []rhai.Param, returns, doc, example string, f func(*rhai.Call, *run) (rhai.Value, error)) *rhai.Native {
	keyed := len(p) > 0 && p[0].Name == "key"
	return &rhai.Native{
		Name: name, Params: p, Returns: returns, Doc: doc, Example: example, Effects: rhai.Volatile,
		Fn: func(c *rhai.Call) (rhai.Value, error) {
			r := runOf(c.Context())
			if r == nil {
				return rhai.Value{}, throw("there are no data outside an execution")
			}
			if keyed {
				if err := store.CheckKVKey(text(c, 0)); err != nil {
					return rhai.Value{}, throw(err.Error())
				}
			}
			if err := c.Charge(kvCharge); err != nil {
				return rhai.Value{}, err
			}
			return f(c, r)
		},
	}
}

// kvCharge is what a call costs, in operations, beside the work on its data.
const kvCharge = 20

// stored is argument i in the form in which it is kept.
func stored(c *rhai.Call, i int) ([]byte, error) {
	b, err := value.Encode(c.Arg(i))
	if err != nil {
		return nil, throw(err.Error())
	}
	return b, work(c, len(b))
}

// loaded is the value of what was kept.
func loaded(c *rhai.Call, b []byte) (rhai.Value, error) {
	if err := work(c, len(b)); err != nil {
		return rhai.Value{}, err
	}
	return value.Decode(b, c.Alloc)
}

func kvModule() *rhai.Module {
	key, delta, val := textParam("key"), param("n", rhai.TInt), anyParam("value")
	options := param("options", rhai.TMap)
	get := func(c *rhai.Call, r *run, or rhai.Value) (rhai.Value, error) {
		b, _, err := r.lookup(text(c, 0))
		if err != nil || b == nil {
			return or, err
		}
		return loaded(c, b)
	}
	increment := func(c *rhai.Call, r *run, by int64) (rhai.Value, error) {
		n, err := r.increment(text(c, 0), by)
		return rhai.Int(n), err
	}
	return rhai.NewModule("kv").
		Describe("The app's data: values under keys of up to 512 bytes. A value is anything but a function, of up to 1 MiB in the form in which it is kept, and keeps its type. "+
			"An execution sees its own changes at once; they are made together, at its end, before its answer leaves, "+
			"and not at all when an error ends it. See [the guide](../kv.md).").
		Register(
			dataFunction("get", params(key), "any", "The value of a key, `()` if there is none.", `kv::set("name", "Ada"); kv::get("name") // "Ada"`,
				func(c *rhai.Call, r *run) (rhai.Value, error) { return get(c, r, rhai.Unit()) }),
			stores(dataFunction("get", params(key, anyParam("default")), "any", "The value of a key, `default` if there is none.", `kv::get("visits", 0) // 0`,
				func(c *rhai.Call, r *run) (rhai.Value, error) { return get(c, r, c.Arg(1)) })),
			dataFunction("set", params(key, val), "()", "Sets a key to a value, for as long as it is not changed.", `kv::set("name", "Ada") // null`,
				func(c *rhai.Call, r *run) (rhai.Value, error) {
					b, err := stored(c, 1)
					if err != nil {
						return rhai.Value{}, err
					}
					return rhai.Unit(), r.put(invoke.Op{Kind: invoke.OpSet, Key: text(c, 0), Value: b})
				}),
			dataFunction("set", params(key, val, options), "()", "Sets a key to a value. `ttl`: after so many seconds the key is gone.",
				`kv::set("session/7", #{ user: "ada" }, #{ ttl: 3600 }) // null`,
				func(c *rhai.Call, r *run) (rhai.Value, error) {
					b, err := stored(c, 1)
					if err != nil {
						return rhai.Value{}, err
					}
					expires, err := r.expiry(c.Arg(2))
					if err != nil {
						return rhai.Value{}, err
					}
					return rhai.Unit(), r.put(invoke.Op{Kind: invoke.OpSet, Key: text(c, 0), Value: b, Expires: expires})
				}),
			dataFunction("delete", params(key), "()", "Deletes a key. One that does not exist stays so.", `kv::delete("name"); kv::get("name") // null`,
				func(c *rhai.Call, r *run) (rhai.Value, error) {
					return rhai.Unit(), r.put(invoke.Op{Kind: invoke.OpDelete, Key: text(c, 0)})
				}),
			dataFunction("list", params(textParam("prefix")), "map", "The keys that begin with `prefix`, in their order: `items`, an array of `key` and `value`, the first 100, "+
				"and `cursor`, by which the next page is asked for, `()` when that was all.",
				`kv::set("fruit/fig", 3); kv::list("fruit/") // {"cursor":null,"items":[{"key":"fruit/fig","value":3}]}`,
				func(c *rhai.Call, r *run) (rhai.Value, error) {
					return listing(c, r, invoke.Query{Prefix: text(c, 0), Limit: 100})
				}),
			dataFunction("list", params(textParam("prefix"), options), "map", "The same from `cursor` on and at most `limit` of them, 1 to 1000. A page ends earlier when its values take 4 MiB.",
				`kv::set("a/1", 1); kv::set("a/2", 2); kv::list("a/", #{ limit: 1 }).cursor // "a/1"`,
				func(c *rhai.Call, r *run) (rhai.Value, error) {
					q := invoke.Query{Prefix: text(c, 0), Limit: 100}
					if err := listOptions(&q, c.Arg(1)); err != nil {
						return rhai.Value{}, err
					}
					return listing(c, r, q)
				}),
			dataFunction("add", params(key, delta), "()", "Adds to an integer without reading it: executions that add at the same time do not disturb each other. A key that does not exist counts as 0.",
				`kv::add("visits", 1); kv::get("visits") // 1`,
				func(c *rhai.Call, r *run) (rhai.Value, error) { return rhai.Unit(), r.add(text(c, 0), number(c, 1)) }),
			dataFunction("increment", params(key), "int", "Adds 1 to an integer and returns the new value, which no other execution gets: when another was faster, the commit fails, "+
				"and the client is answered 409. In `kv::transaction` it is tried again.",
				`kv::increment("order-number") // 1`,
				func(c *rhai.Call, r *run) (rhai.Value, error) { return increment(c, r, 1) }),
			dataFunction("increment", params(key, delta), "int", "Adds `n` to an integer and returns the new value.",
				`kv::set("stock", 5); kv::increment("stock", -2) // 3`,
				func(c *rhai.Call, r *run) (rhai.Value, error) { return increment(c, r, number(c, 1)) }),
			dataFunction("compare_and_set", params(key, anyParam("expected"), val), "bool", "Sets a key to `value` if it holds `expected`, `()` for nothing, or for `()` itself, and says whether it did. "+
				"That it still held that is checked at the commit, as for `increment`.",
				`kv::compare_and_set("lock", (), "mine") // true`,
				func(c *rhai.Call, r *run) (rhai.Value, error) {
					expected, err := stored(c, 1)
					if err != nil {
						return rhai.Value{}, err
					}
					next, err := stored(c, 2)
					if err != nil {
						return rhai.Value{}, err
					}
					done, err := r.compareAndSet(text(c, 0), expected, next, c.Arg(1).Kind() == rhai.KindUnit)
					return rhai.Bool(done), err
				}),
			dataFunction("flush", nil, "()", "Makes the changes so far, now: a later error does not undo them. It throws when that is not possible; then none is made.",
				`kv::set("a", 1); kv::flush() // null`,
				func(c *rhai.Call, r *run) (rhai.Value, error) {
					switch {
					case r.start.IsEvent():
						return rhai.Value{}, throw("kv::flush: the changes of an event are made with its acknowledgement")
					case r.unit.depth > 0:
						return rhai.Value{}, throw("kv::flush: the changes of a transaction are made at its end")
					}
					return rhai.Unit(), r.flush()
				}),
			callsBack(dataFunction("transaction", params(param("f", rhai.TFn)), "any", "Calls `f` and makes its changes at once, provided nothing that it read has changed meanwhile; "+
				"else calls it again, the variables that it captured put back. Returns what `f` does; an error that `f` throws undoes its changes. "+
				"What was changed before is made first, as by `kv::flush()`.",
				`kv::set("stock", 5); kv::transaction(|| { let n = kv::get("stock"); if n > 0 { kv::set("stock", n - 1) } n }) // 5`,
				func(c *rhai.Call, r *run) (rhai.Value, error) { return r.transaction(c, c.Arg(0)) })),
		)
}

// stores marks a function that returns an argument.
func stores(n *rhai.Native) *rhai.Native {
	n.Effects |= rhai.Stores
	return n
}

// callsBack marks a function that calls one of the script's.
func callsBack(n *rhai.Native) *rhai.Native {
	n.Effects |= rhai.CallsBack
	return n
}

// maxTTL is the longest time to live, in seconds: a hundred years.
const maxTTL = 100 * 365 * 24 * 60 * 60

// expiry reads the options of kv::set.
func (r *run) expiry(options rhai.Value) (at time.Time, err error) {
	options.EachEntry(func(name string, v rhai.Value) bool {
		seconds, ok := v.AsFloat()
		if n, isInt := v.AsInt(); isInt {
			seconds, ok = float64(n), true
		}
		switch {
		case name != "ttl":
			err = throw(fmt.Sprintf("kv::set has no option %q: there is ttl", name))
		case !ok || math.IsNaN(seconds) || seconds <= 0 || seconds > maxTTL:
			err = throw(fmt.Sprintf("the option ttl of kv::set is a number of seconds, greater than 0 and at most %d", int64(maxTTL)))
		default:
			at = r.executor.clock().UTC().Add(time.Duration(seconds * 1e9)).Truncate(time.Microsecond)
		}
		return err == nil
	})
	return at, err
}

func listOptions(q *invoke.Query, options rhai.Value) (err error) {
	options.EachEntry(func(name string, v rhai.Value) bool {
		n, isInt := v.AsInt()
		s, isText := v.AsString()
		switch {
		case name == "limit" && isInt && n >= 1 && n <= 1000:
			q.Limit = int(n)
		case name == "cursor" && isText && store.CheckKVKey(s) == nil:
			q.After = s
		case name == "cursor" && v.IsUnit():
		default:
			err = throw(listEntries.wrong(name, v))
		}
		return err == nil
	})
	return err
}

func listing(c *rhai.Call, r *run, q invoke.Query) (rhai.Value, error) {
	if q.Prefix != "" {
		if err := store.CheckKVKey(q.Prefix); err != nil {
			return rhai.Value{}, throw(err.Error())
		}
	}
	entries, next, err := r.list(q)
	if err != nil {
		return rhai.Value{}, err
	}
	if err := c.Alloc(32 + 16*len(entries)); err != nil {
		return rhai.Value{}, err
	}
	items := make([]rhai.Value, len(entries))
	for i, e := range entries {
		k, err := c.String(e.Key)
		if err != nil {
			return rhai.Value{}, err
		}
		v, err := loaded(c, e.Value)
		if err != nil {
			return rhai.Value{}, err
		}
		if items[i], err = newMap(c, rhai.Entry{Key: "key", Value: k}, rhai.Entry{Key: "value", Value: v}); err != nil {
			return rhai.Value{}, err
		}
	}
	cursor := rhai.Unit()
	if next != "" {
		if cursor, err = c.String(next); err != nil {
			return rhai.Value{}, err
		}
	}
	return newMap(c, rhai.Entry{Key: "cursor", Value: cursor}, rhai.Entry{Key: "items", Value: rhai.Array(items)})
}
