package credentials

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// notedName is the file in the configuration directory that holds what a person
// has been told of each server.
const notedName = "noted.json"

// Noted reports whether a person has been told what of the server at base, and
// notes that they now have. Where that cannot be kept it is told again.
func (s Store) Noted(base, what string) bool {
	dir, err := s.Dir()
	if err != nil {
		return false
	}
	path := filepath.Join(dir, notedName)
	told := map[string]string{}
	if b, err := os.ReadFile(path); err == nil {
		if json.Unmarshal(b, &told) != nil || told == nil {
			told = map[string]string{} // a damaged file is written anew
		}
	}
	if told[base] == what {
		return true
	}
	told[base] = what
	b, err := json.MarshalIndent(told, "", "  ")
	if err != nil || os.MkdirAll(dir, 0o700) != nil {
		return false
	}
	_ = replace(path, append(b, '\n')) // else it is told again
	return false
}

// replace writes a file with mode 0600 in one step.
func replace(path string, content []byte) error {
	// CreateTemp makes the file with mode 0600.
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}
