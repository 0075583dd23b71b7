package eval

// Select gives the snapshot of those flags of s whose keys wanted says yes to, with the prerequisites and segments that these need,
// however far away, and nothing else. Its position is that of s but for the digest. What is prepared of the same items in prev,
// an earlier selection, is taken over; nil: nothing is. A selection of what is to be handed on ([Carry]) is so too.
func (s *Snapshot) Select(wanted func(key string) bool, prev *Snapshot) (*Snapshot, error) {
	keep := make([]bool, len(s.items))
	var next []int
	for i, it := range s.items {
		if keep[i] = it.name == metaName || it.isFlag() && wanted(it.key()); keep[i] {
			next = append(next, i)
		}
	}
	for len(next) > 0 {
		it := s.items[next[len(next)-1]]
		next = next[:len(next)-1]
		for _, name := range it.read().uses {
			if i, found := s.find(name); found && !keep[i] {
				keep[i] = true
				next = append(next, i)
			}
		}
	}
	var items []*item
	for i, it := range s.items {
		if keep[i] {
			items = append(items, it)
		}
	}
	at := s.at
	at.Digest = ""
	selected, err := assemble(at, items)
	if err == nil && s.made() != nil {
		selected.linked.Store(link(items, prev))
	}
	return selected, err
}
