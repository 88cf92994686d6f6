package remote

import "github.com/picloud/picloud/internal/invoke"

func decodeKeys(b []byte) (keys []string, err error) {
	err = fields(b, func(f field) error {
		if f.num == 1 {
			keys = append(keys, f.string())
		}
		return nil
	})
	return keys, err
}

func encodeQuery(q invoke.Query) []byte {
	e := &encoder{}
	e.string(1, q.Prefix)
	e.string(2, q.After)
	e.int(3, int64(q.Limit))
	return e.b
}

func decodeQuery(b []byte) (q invoke.Query, err error) {
	err = fields(b, func(f field) error {
		switch f.num {
		case 1:
			q.Prefix = f.string()
		case 2:
			q.After = f.string()
		case 3:
			q.Limit = int(f.int())
		}
		return nil
	})
	return q, err
}

func encodePage(p invoke.Page) []byte {
	e := &encoder{}
	for i := range p.Entries {
		entry := &p.Entries[i]
		e.message(1, func(e *encoder) {
			e.string(1, entry.Key)
			e.bytes(2, entry.Value)
			e.int(3, entry.Version)
			e.time(4, entry.ExpiresAt)
		})
	}
	if p.More {
		e.uint(2, 1)
	}
	return e.b
}

func decodePage(b []byte) (p invoke.Page, err error) {
	err = fields(b, func(f field) error {
		switch f.num {
		case 1:
			var entry invoke.Entry
			err := fields(f.bytes, func(f field) error {
				switch f.num {
				case 1:
					entry.Key = f.string()
				case 2:
					entry.Value = f.bytes
				case 3:
					entry.Version = f.int()
				case 4:
					entry.ExpiresAt = f.time()
				}
				return nil
			})
			p.Entries = append(p.Entries, entry)
			return err
		case 2:
			p.More = f.u != 0
		}
		return nil
	})
	return p, err
}

func encodeVariables(vars map[string]string) []byte {
	e := &encoder{}
	for name, value := range vars {
		e.message(1, func(e *encoder) { e.string(1, name); e.string(2, value) })
	}
	return e.b
}

func decodeVariables(b []byte) (vars map[string]string, err error) {
	err = fields(b, func(f field) error {
		if f.num != 1 {
			return nil
		}
		name, value, err := decodePair(f.bytes)
		if vars == nil {
			vars = map[string]string{}
		}
		vars[name] = value
		return err
	})
	return vars, err
}
