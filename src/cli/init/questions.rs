//! What `init` asks: each question with its flag, its words, its example and what there is to choose from.

use crate::aws::{Choices, SecurityGroup};
use crate::spec::{self, Architecture};

use super::answers::Answers;

/// A question, in the order in which they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Question {
    Stack,
    Region,
    Pair,
    Queue,
    Launch,
    InstanceType,
    Image,
    Subnets,
    SecurityGroups,
    KeyName,
    InstanceProfile,
    MaxPrice,
    MaxWorkers,
    Protect,
    GithubWorkflow,
}

/// What may be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    One,
    /// Nothing is an answer, too.
    Optional,
    /// Several, with commas.
    Many,
    YesOrNo,
}

/// One of several answers, and what tells it from the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) about: String,
}

/// Instances with a GPU of NVIDIA's that its open driver knows.
const NVIDIA: [&str; 12] =
    ["g4dn.", "g5.", "g5g.", "g6.", "g6e.", "g6f.", "gr6.", "gr6f.", "g7e.", "p4d.", "p4de.", "p5"];

impl Question {
    /// All of them.
    pub(super) const ALL: [Self; 15] = [
        Self::Stack,
        Self::Region,
        Self::Pair,
        Self::Queue,
        Self::Launch,
        Self::InstanceType,
        Self::Image,
        Self::Subnets,
        Self::SecurityGroups,
        Self::KeyName,
        Self::InstanceProfile,
        Self::MaxPrice,
        Self::MaxWorkers,
        Self::Protect,
        Self::GithubWorkflow,
    ];

    /// The flag that answers it.
    pub(super) fn flag(self) -> &'static str {
        match self {
            Self::Stack => "--stack",
            Self::Region => "--region",
            Self::Pair => "--pair",
            Self::Queue => "--queue",
            Self::Launch => "--launch",
            Self::InstanceType => "--instance-type",
            Self::Image => "--image",
            Self::Subnets => "--subnets",
            Self::SecurityGroups => "--security-groups",
            Self::KeyName => "--key-name",
            Self::InstanceProfile => "--instance-profile",
            Self::MaxPrice => "--max-price",
            Self::MaxWorkers => "--max-workers",
            Self::Protect => "--protect",
            Self::GithubWorkflow => "--github-workflow",
        }
    }

    /// What is asked.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Stack => "Name of the CloudFormation stack",
            Self::Region => "Region",
            Self::Pair => "Name of the pair",
            Self::Queue => "Queue of jobs",
            Self::Launch => "Launch templates or configurations",
            Self::InstanceType => "Instance type",
            Self::Image => "Image",
            Self::Subnets => "Subnets",
            Self::SecurityGroups => "Security groups",
            Self::KeyName => "EC2 key pair",
            Self::InstanceProfile => "Instance profile",
            Self::MaxPrice => "Max price of a Spot instance-hour in USD",
            Self::MaxWorkers => "Workers at most",
            Self::Protect => "Protect busy workers",
            Self::GithubWorkflow => "A workflow for GitHub Actions",
        }
    }

    /// Why it is asked, and what the answer does.
    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Stack => {
                "All that spotstack makes is in this one stack: `spotstack deploy` makes and changes it, `spotstack destroy` \
                 takes it away."
            }
            Self::Region => {
                "Where the stack is. Without one in the spec, --region, AWS_REGION or the profile decides each time."
            }
            Self::Pair => {
                "One Spot group and one On-Demand group for one queue. Its name begins the names of its resources; a stack \
                 can have several."
            }
            Self::Queue => {
                "Where the jobs wait. A name, and the stack makes this queue and one for jobs that fail again and again; \
                 with `.fifo` at its end it is a FIFO queue. Or the ARN of a queue that exists."
            }
            Self::Launch => {
                "How EC2 is told what a worker is. AWS refuses new launch configurations in accounts made since 2024-10-01, \
                 and for instance types launched after 2022."
            }
            Self::InstanceType => {
                "What every worker runs on. Spot and On-Demand workers are alike but for their price."
            }
            Self::Image => {
                "What a worker boots: the id of an AMI, or `ssm:` and the name of a parameter that holds one, which is then \
                 read at each deploy or launch."
            }
            Self::Subnets => {
                "Where workers may run. Each zone is a Spot capacity pool of its own: the more, the better. From here a \
                 worker must reach SQS, through a public address, a NAT gateway or a VPC endpoint."
            }
            Self::SecurityGroups => {
                "What workers may reach, and who may reach them. A worker only needs the way out, to HTTPS."
            }
            Self::KeyName => "To log in to workers by SSH. Not needed to run them.",
            Self::InstanceProfile => {
                "What workers may do in AWS. With none given, the stack makes a role that may take jobs from this queue, and \
                 nothing else."
            }
            Self::MaxPrice => {
                "Above this, Spot is not worth it, and On-Demand serves. With none given, AWS's own limit holds: the \
                 On-Demand price."
            }
            Self::MaxWorkers => "Of both groups together: what a full queue can cost you.",
            Self::Protect => {
                "A worker then starts protected from scale-in, and drops the protection itself while it is free: what the \
                 worker script does. For long jobs, and to let On-Demand workers make room for Spot while there is work."
            }
            Self::GithubWorkflow => {
                "A pull request shows what it would change; what is merged is planned, approved and deployed."
            }
        }
    }

    /// What may be answered.
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Region | Self::KeyName | Self::InstanceProfile | Self::MaxPrice => Kind::Optional,
            Self::Subnets | Self::SecurityGroups => Kind::Many,
            Self::Protect | Self::GithubWorkflow => Kind::YesOrNo,
            _ => Kind::One,
        }
    }

    /// Whether the account has choices for it.
    pub(super) fn asks_the_account(self) -> bool {
        matches!(self, Self::Queue | Self::Subnets | Self::SecurityGroups | Self::KeyName | Self::InstanceProfile)
    }

    /// What is taken where nothing is said: an example, which may be right.
    pub(super) fn example(self, answers: &Answers) -> String {
        let example = match self {
            Self::Stack => "spot-workers",
            Self::Pair => "gpu",
            Self::Queue => "render-jobs",
            Self::Launch => "template",
            // Launch configurations know the types of their time, and need a price.
            Self::InstanceType if answers.configuration() => "g4dn.xlarge",
            Self::InstanceType => "g5.2xlarge",
            Self::MaxPrice if answers.configuration() => "0.55",
            Self::Image => return images(&answers.get(Self::InstanceType)).swap_remove(0).value,
            Self::Subnets => "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
            Self::SecurityGroups => "sg-0123456789abcdef0",
            Self::MaxWorkers => "4",
            Self::Protect | Self::GithubWorkflow => "no",
            Self::Region | Self::KeyName | Self::InstanceProfile | Self::MaxPrice => "",
        };
        example.to_owned()
    }

    /// What there is to choose from, here and in the account.
    pub(super) fn choices(self, answers: &Answers, account: &Choices) -> Vec<Choice> {
        let named = |names: &[String]| names.iter().map(|name| Choice::new(name, "")).collect();
        match self {
            Self::Launch => vec![
                Choice::new("template", "launch templates"),
                Choice::new("configuration", "launch configurations, as before 2024"),
            ],
            Self::Image => images(&answers.get(Self::InstanceType)),
            Self::Queue => named(&account.queues),
            Self::KeyName => named(&account.key_pairs),
            Self::InstanceProfile => named(&account.instance_profiles),
            Self::Subnets => {
                let subnet = |subnet: &crate::aws::Subnet| {
                    let address = if subnet.public { "public addresses" } else { "" };
                    let about = [&subnet.zone, &subnet.vpc, subnet.name.as_deref().unwrap_or_default(), address];
                    Choice::new(
                        &subnet.id,
                        &about.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join("  "),
                    )
                };
                account.subnets.iter().map(subnet).collect()
            }
            Self::SecurityGroups => {
                let vpcs = vpcs(&answers.list(Self::Subnets), account);
                let near = |group: &&SecurityGroup| vpcs.is_empty() || vpcs.contains(&group.vpc.as_str());
                let choice = |group: &SecurityGroup| Choice::new(&group.id, &format!("{}  {}", group.name, group.vpc));
                account.security_groups.iter().filter(near).map(choice).collect()
            }
            _ => vec![],
        }
    }

    /// What is taken where nothing is said, if the account is known: a subnet in each zone of one VPC, and its only security
    /// group.
    pub(super) fn default(self, answers: &Answers, account: &Choices) -> String {
        let found = match self {
            Self::Subnets => {
                let mut zones = vec![];
                let first = account.subnets.first().map(|subnet| subnet.vpc.as_str());
                let one_each = account.subnets.iter().filter(|subnet| {
                    let new = Some(subnet.vpc.as_str()) == first && !zones.contains(&&subnet.zone);
                    if new {
                        zones.push(&subnet.zone);
                    }
                    new
                });
                one_each.map(|subnet| subnet.id.as_str()).collect::<Vec<_>>().join(",")
            }
            Self::SecurityGroups => match &self.choices(answers, account)[..] {
                [only] => only.value.clone(),
                _ => String::new(),
            },
            _ => String::new(),
        };
        if found.is_empty() { self.example(answers) } else { found }
    }

    /// What was typed, as an answer: numbers are those of the choices.
    pub(super) fn read(self, typed: &str, choices: &[Choice]) -> Result<String, String> {
        let typed = typed.trim();
        let pick = |word: &str| {
            let numbered = word.parse().ok().and_then(|number: usize| choices.get(number.checked_sub(1)?));
            match numbered.filter(|_| choices.iter().all(|choice| choice.value != word)) {
                Some(choice) => choice.value.clone(),
                None => word.to_owned(),
            }
        };
        match self.kind() {
            Kind::One => Ok(pick(typed)),
            Kind::Optional if typed == "none" => Ok(String::new()),
            Kind::Optional => Ok(pick(typed)),
            Kind::Many => {
                let words =
                    typed.split(|char: char| char == ',' || char.is_whitespace()).filter(|word| !word.is_empty());
                Ok(words.map(pick).collect::<Vec<_>>().join(","))
            }
            Kind::YesOrNo => match typed.to_lowercase().as_str() {
                "y" | "yes" | "true" => Ok("yes".to_owned()),
                "n" | "no" | "false" => Ok("no".to_owned()),
                _ => Err("yes or no?".to_owned()),
            },
        }
    }
}

impl Choice {
    fn new(value: &str, about: &str) -> Self {
        Self { value: value.to_owned(), about: about.to_owned() }
    }
}

/// Images that AWS keeps for an instance type, the likeliest first.
fn images(instance_type: &str) -> Vec<Choice> {
    let architecture = spec::architecture(instance_type).unwrap_or(Architecture::X86_64);
    let plain = format!("ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}");
    let plain = Choice::new(&plain, "Amazon Linux 2023");
    let gpu = format!(
        "ssm:/aws/service/deeplearning/ami/{architecture}/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id"
    );
    let gpu = Choice::new(&gpu, "the same with NVIDIA's driver");
    if NVIDIA.iter().any(|family| instance_type.starts_with(family)) { vec![gpu, plain] } else { vec![plain] }
}

/// The VPCs of those subnets that the account knows.
pub(super) fn vpcs<'a>(subnets: &[String], account: &'a Choices) -> Vec<&'a str> {
    let mut vpcs: Vec<_> = account
        .subnets
        .iter()
        .filter(|subnet| subnets.contains(&subnet.id))
        .map(|subnet| subnet.vpc.as_str())
        .collect();
    vpcs.sort_unstable();
    vpcs.dedup();
    vpcs
}
