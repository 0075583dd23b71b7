package review

import (
	"bytes"
	"path"
	"regexp"
	"slices"

	"github.com/hmarr/codeowners"
)

// CodeOwnersFiles are the places of a CODEOWNERS in a repository, in the order in which GitHub looks there: the first one counts.
var CodeOwnersFiles = []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"}

// owners says by CODEOWNERS who owns the files of a flag: all who own one of them, as an environment may stand in a file of its
// own, or nobody, if one of them is nobody's. nil where there is no CODEOWNERS.
func (r *reviewing) owners() func(flag string) []string {
	if r.CodeOwners == nil {
		return nil
	}
	rules := r.ownerRules()
	return func(flag string) []string {
		var all []string
		for _, file := range r.files(flag) {
			owners := ownersOf(rules, path.Join(r.Prefix, file))
			if len(owners) == 0 {
				return []string{}
			}
			all = append(all, owners...)
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
}

// reEmail is an owner's email address, as far as it has to be told from a user or a team.
var reEmail = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)

// owned are the forms of an owner. The library's own form of an address knows no long top-level domains.
var owned = codeowners.WithOwnerMatchers([]codeowners.OwnerMatcher{
	codeowners.OwnerMatchFunc(codeowners.MatchTeamOwner), codeowners.OwnerMatchFunc(codeowners.MatchUsernameOwner),
	codeowners.OwnerMatchFunc(func(text string) (codeowners.Owner, error) {
		if !reEmail.MatchString(text) {
			return codeowners.Owner{}, codeowners.ErrNoMatch
		}
		return codeowners.Owner{Value: text, Type: codeowners.EmailOwner}, nil
	}),
})

// ownerRules reads CODEOWNERS line by line: as GitHub does, it skips those that are wrong.
func (r *reviewing) ownerRules() codeowners.Ruleset {
	var rules codeowners.Ruleset
	n := 0
	for line := range bytes.Lines(r.CodeOwners) {
		n++
		rule, err := codeowners.ParseFile(bytes.NewReader(line), owned)
		if err != nil { // in the base, so it is nothing that the change could mend
			r.warn("", "line %d of the CODEOWNERS of %s means nothing and is passed over", n, r.Base.Name)
			continue
		}
		rules = append(rules, rule...)
	}
	return rules
}

func ownersOf(rules codeowners.Ruleset, file string) []string {
	rule, err := rules.Match(file)
	if err != nil || rule == nil {
		return nil
	}
	owners := make([]string, len(rule.Owners))
	for i, owner := range rule.Owners {
		owners[i] = owner.String()
	}
	return owners
}

// files lists the files of a flag; of one that is removed, those that it had.
func (r *reviewing) files(flag string) []string {
	if f := flagOf(r.new, flag); f != nil {
		return f.Files
	}
	if f := flagOf(r.base, flag); f != nil {
		return f.Files
	}
	return nil
}
