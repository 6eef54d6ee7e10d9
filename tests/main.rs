//! The tour of Cardea: one test binary, one file a story.

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod console;
#[cfg(test)]
mod declare;
#[cfg(test)]
mod door;
#[cfg(test)]
mod factors;
#[cfg(test)]
mod following;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod house;
#[cfg(test)]
mod invitations;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod oauth;
#[cfg(test)]
mod owners;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod people;
#[cfg(test)]
mod provisioning;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod races;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod saml;
#[cfg(test)]
mod switching;
#[cfg(test)]
mod users;
#[cfg(test)]
mod who;
