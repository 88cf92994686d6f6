package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Source is where the keys come from: Text, or else File. Own says that the file
// is PiCloud's: it makes it when it is needed first, and writes new keys into it.
type Source struct {
	Name string // in messages: where the keys are
	Text string
	File string
	Own  bool
}

// maxKeyFile bounds the file with the keys, in bytes.
const maxKeyFile = 64 << 10

// load reads the keys. The error is fs.ErrNotExist when there is no file.
func (s Source) load() (Keys, error) {
	text := s.Text
	if text == "" {
		f, err := os.Open(s.File)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if err := s.private(f); err != nil {
			return nil, err
		}
		b, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		text = string(b)
	}
	keys, err := ParseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("the secrets key in %s: %w", s.Name, err)
	}
	return keys, nil
}

// private refuses a file of our own that others can read. Of a file that was
// handed in, whoever did so decides.
func (s Source) private(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if s.Own && info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s can be read by others (mode %04o), so the secrets are not safe: chmod 600 it, and rotate the key if somebody may have read it", s.Name, info.Mode().Perm())
	}
	return nil
}

// create makes the file with a new key; if somebody was faster, theirs counts.
func (s Source) create() (Keys, error) {
	err := s.write(Keys{NewKey()}, func(from string) error { return os.Link(from, s.File) })
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return s.load()
}

// replace puts other keys into the file. It is whole at every moment, and on
// disk when replace returns.
func (s Source) replace(keys Keys) error {
	return s.write(keys, func(from string) error { return os.Rename(from, s.File) })
}

const keyFileHead = `# The key to the secrets of this PiCloud. Without it they are lost, and whoever has
# it and the database can read them: keep a copy, apart from the backups. The first
# key seals; others, of before a rotation, only open what is in older backups.
`

func (s Source) write(keys Keys, put func(from string) error) (err error) {
	dir := filepath.Dir(s.File)
	f, err := os.CreateTemp(dir, ".secrets-key-*") // mode 0600
	if err != nil {
		return fmt.Errorf("the secrets key cannot be written: %w", err)
	}
	defer func() {
		if rerr := os.Remove(f.Name()); err == nil && rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			err = rerr
		}
	}()
	var b strings.Builder
	b.WriteString(keyFileHead)
	for _, k := range keys {
		b.WriteString(k.Text() + "\n")
	}
	_, err = f.WriteString(b.String())
	if err := errors.Join(err, sameOwner(f, s.File), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("the secrets key cannot be written: %w", err)
	}
	if err := put(f.Name()); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// sameOwner gives f the owner of the file that it replaces: root may do this for
// the user PiCloud runs as.
func sameOwner(f *os.File, old string) error {
	info, err := os.Stat(old)
	if errors.Is(err, fs.ErrNotExist) {
		info, err = os.Stat(filepath.Dir(old))
	}
	if err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		return f.Chown(int(st.Uid), int(st.Gid))
	}
	return nil
}
