//! Which packages run a Program.

use crate::packages::hash_of;
use crate::{InductorAccelerator, Package};
use tintype_accel::Joined;
use tintype_program::Program;
use tintype_program::passes::{self, Regions};

impl InductorAccelerator {
    /// The packages that fit: those of the Program with queries, keys and values fused, or else of the Program as it is.
    pub(crate) fn pick(
        &self,
        program: &Program,
    ) -> std::result::Result<(Option<Joined>, Regions, Vec<&Package>), String> {
        let plain = || self.choose(program).map(|(cut, packages)| (None, cut, packages));
        let Some(joined) = Joined::projections(program) else { return plain() };
        let of_joined = match self.choose(&joined.program) {
            Ok((cut, packages)) if self.required || !self.place.is_host() => {
                return Ok((Some(joined), cut, packages));
            }
            other => other.map(drop),
        };
        plain().map_err(|why| match of_joined {
            Ok(()) => format!(
                "{why}; there are packages with queries, keys and values fused, whose weights share memory, which the CPU's own engine \
                 does not take: --engine inductor runs them"
            ),
            Err(of_joined) if self.offers(&joined.program, program) => {
                format!("{why}; with queries, keys and values fused, {of_joined}")
            }
            Err(_) => why,
        })
    }

    /// Whether there is a package, fit or not, of a Program or of a region of it that another does not have.
    fn offers(&self, program: &Program, other: &Program) -> bool {
        let hashes = |program: &Program| -> Vec<_> {
            let regions = passes::regions(program).map(|cut| cut.regions).unwrap_or_default();
            let programs = regions.iter().map(|region| &region.program);
            programs.chain([program]).filter_map(hash_of).collect()
        };
        let others = hashes(other);
        hashes(program).into_iter().any(|hash| !others.contains(&hash) && self.packages.has(hash))
    }

    /// The packages that fit, by region.
    fn choose(&self, program: &Program) -> std::result::Result<(Regions, Vec<&Package>), String> {
        let refused = match self.packages.find(program, &self.target) {
            Ok(package) => return Ok((passes::whole(program), vec![package])),
            Err(why) => why,
        };
        let cut = passes::regions(program).map_err(|error| format!("{refused}; nor regions: {error}"))?;
        if let [_] = &cut.regions[..] {
            return Err(refused);
        }
        let found = cut.regions.iter().map(|region| self.packages.find(&region.program, &self.target));
        match found.collect::<std::result::Result<Vec<_>, _>>() {
            Ok(found) => Ok((cut, found)),
            Err(why) => Err(format!("{refused}; of its regions, {why}")),
        }
    }
}
